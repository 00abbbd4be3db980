from Cython.Build import cythonize
from setuptools import setup

setup(name="mixture", ext_modules=cythonize("mixture.pyx"))
