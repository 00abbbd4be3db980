from setuptools import Extension, setup

import lse

setup(name="mixture", ext_modules=[Extension("mixture", ["mixture.c"], include_dirs=[lse.get_include()])])
