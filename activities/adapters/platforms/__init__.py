"""The real platforms, one module each: how their programs' doors answer, and what they do not tell.

What a platform does not tell is named in the snapshot (`unknown`) and is never assumed.
"""
