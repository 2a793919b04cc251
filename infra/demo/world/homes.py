"""Where the demo's creators live: for each country one invented address in the form that is usual there.

Names of form fields are those of the pages' address form. Towns, regions and postcodes exist, streets mostly
do not.
"""

from __future__ import annotations

from typing import Final

_COLUMNS: Final = ("street_address", "city", "postal_code", "country_area")
_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "AR": ("Calle del Yuyo 418", "Buenos Aires", "C1425CLA", "Buenos Aires"),
    "AT": ("Lindenhofgasse 7", "Wien", "1180", ""),
    "AU": ("14 Wattle Rise", "Brunswick", "3056", "VIC"),
    "BE": ("Kastanjelaan 22", "Gent", "9000", ""),
    "BR": ("Rua das Aroeiras 95", "Curitiba", "80420-090", "PR"),
    "CA": ("221 Juniper Crescent", "Halifax", "B3H 1A1", "NS"),
    "CH": ("Ahornweg 3", "Bern", "3012", ""),
    "CL": ("Los Maitenes 310", "Santiago", "8320000", "Región Metropolitana"),
    "CZ": ("Lipová 12", "Brno", "602 00", ""),
    "DE": ("Ahornallee 31", "Leipzig", "04107", ""),
    "DK": ("Bøgevej 16", "Aarhus", "8000", ""),
    "ES": ("Calle de los Tilos 9", "Valencia", "46004", "Valencia"),
    "FI": ("Koivukuja 4", "Tampere", "33100", ""),
    "FR": ("18 rue des Tilleuls", "Nantes", "44000", ""),
    "GB": ("27 Rowan Terrace", "Leeds", "LS1 4DY", ""),
    "GR": ("Elaion 11", "Athina", "105 57", ""),
    "HR": ("Ulica lipa 6", "Zagreb", "10000", ""),
    "HU": ("Hársfa utca 8", "Budapest", "1074", ""),
    "IE": ("6 Alder Court", "Galway", "H91 E2K3", "Co. Galway"),
    "IN": ("12 Neem Marg", "Pune", "411001", "Maharashtra"),
    "IT": ("Via dei Platani 5", "Bologna", "40121", "BO"),
    "JP": ("1-2-3 Momiji", "Kyoto-shi", "600-8001", "京都府"),
    "KR": ("15 Eunhaeng-ro", "Jung-gu", "04524", "서울특별시"),
    "MX": ("Calle Jacaranda 77", "Guadalajara", "44100", "Jal."),
    "NL": ("Esdoornstraat 40", "Utrecht", "3511 AB", ""),
    "NO": ("Bjørkeveien 2", "Bergen", "5003", ""),
    "NZ": ("8 Kowhai Lane", "Dunedin", "9016", ""),
    "PL": ("ul. Lipowa 19", "Kraków", "30-001", ""),
    "PT": ("Rua dos Plátanos 21", "Porto", "4000-001", ""),
    "RO": ("Strada Teiului 6", "Cluj-Napoca", "400001", "Județul Cluj"),
    "SE": ("Lindvägen 13", "Göteborg", "411 05", ""),
    "SG": ("5 Angsana Walk", "", "238801", ""),
    "SK": ("Lipová 5", "Bratislava", "811 01", ""),
    "TR": ("Çınar Sokak 10", "Ankara", "06420", "Ankara"),
    "US": ("1408 Sycamore Street", "Portland", "97205", "OR"),
    "ZA": ("3 Yellowwood Road", "Cape Town", "8001", ""),
}


def home_in(country: str) -> dict[str, str]:
    """An address in this country as one types it into a form; a plain one where none is known."""
    lines = _HOMES.get(country, ("1 Main Street", "Springfield", "", ""))
    return {"country": country, **{name: text for name, text in zip(_COLUMNS, lines, strict=True) if text}}
