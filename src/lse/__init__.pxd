# `cimport lse`: see _core.pxd.

from lse._core cimport *
