"""Wrong calls other than for NumPy arrays: threads, lse.numba, lse.dask, and the command line."""

import numpy as np
from numpy.exceptions import AxisError

from .words import AXES, FLAG, FLOATS, NUMBERS, UNSUPPORTED_B

OF_OTHERS = [
    (
        TypeError,
        "...argument",
        [
            "set_num_threads()",
            "set_num_threads(1, 2)",
            "num_threads()",
            "get_num_threads(1)",
            "get_include(1)",
            'show_config("dict", 1)',
        ],
    ),
    (
        ValueError,
        "...num_threads: expected 1 to 65536 threads, not {value}; None",
        ["set_num_threads(value)", "num_threads(value)"],
        [0, -1, 65537, 10**30],
    ),
    (
        TypeError,
        "...num_threads: expected an integer or None, not {value!r}",
        ["set_num_threads(value)", "num_threads(value)"],
        [1.0, "2", True, [2], np.float64(2), np.True_],
    ),
    (ValueError, "show_config: mode must be 'stdout' or 'dict', not {value!r}", "show_config(value)", [1, "dicts"]),
    (TypeError, "only integer scalar arrays", "set_num_threads(np.array([1, 2]))"),
    (AttributeError, "module 'lse' has no attribute 'logsumexpp'", "lse.logsumexpp(v)"),
    (ValueError, "...incorrect name", 'capsule(lse._core._C_API, b"lse._core._API")'),
    (
        ValueError,
        "...invalid PyCapsule",
        ['capsule(lse._core, b"lse._core._C_API")', 'capsule(None, b"lse._core._C_API")'],
    ),
]

OF_NUMBA = [
    (TypeError, "address() ...argument", "lse.numba.address()"),
    (
        ValueError,
        "address: no function {value!r}; expected one of lse.h",
        "lse.numba.address(value)",
        ["no", "lse_logsumexp_f64", ""],
    ),
    (
        TypeError,
        "address: expected the name of a function of lse.h, not {value!r}",
        "lse.numba.address(value)",
        [3, b"logsumexp_f64"],
    ),
]

OF_DASK = [
    (
        TypeError,
        "{called}: out ...dask arrays...; leave it out",
        [
            "logsumexp(lazy, out=np.zeros(()))",
            "logmeanexp(v, b=lazy, out=np.zeros(()))",
            "softmax(v, where=lazy > 0, out=np.zeros(4))",
        ],
    ),
    (
        TypeError,
        "log_softmax: out must be an array of NumPy, not Array; pass one of shape (4,)",
        "log_softmax(v, out=lazy)",
    ),
    (TypeError, "logcumsumexp: a is a dask array...pass a.compute() ...or use lse.dask", "logcumsumexp(lazy)"),
    (
        TypeError,
        "segment_logsumexp: indptr is a dask array...pass indptr.compute() ...or use lse.dask",
        "segment_logsumexp(v, lazy)",
    ),
    (TypeError, "LogSumExp.of: a is a dask array...pass a.compute() ...or use lse.dask", "LogSumExp.of(lazy)"),
    (
        TypeError,
        "LogSumExp.update: b is a dask array...pass b.compute() ...or use lse.dask",
        "total.update([1.0, 2.0], b=lazy, axis=())",
    ),
    (TypeError, "logsumexp: dtype object of a ... " + NUMBERS + "...convert a", "lse.dask.logsumexp(None)"),
    (
        TypeError,
        "logsumexp: a holds masked arrays...ignored...pass m.data, where=~m.mask",
        "lse.dask.logsumexp([hidden])",
    ),
    (TypeError, AXES.replace("{f}", "logsumexp"), "lse.dask.logsumexp(lazy, axis=value)", [True]),
    (AxisError, "logsumexp: axis 2 is out of bounds for array of dimension 1", "lse.dask.logsumexp(lazy, axis=2)"),
    (TypeError, "logsumexp: keepdims" + FLAG, "lse.dask.logsumexp(lazy, keepdims=value)", ["yes"]),
    (TypeError, "logmeanexp: keepdims" + FLAG, "lse.dask.logmeanexp(lazy, keepdims=value)", [None]),
    (TypeError, "logsumexp: return_sign" + FLAG, "lse.dask.logsumexp(lazy, return_sign=value)", [None]),
    (TypeError, "logsumexp() ...argument", "lse.dask.logsumexp(lazy, out=v)"),
    (ValueError, "logsumexp: shapes ... broadcast...: a (4,), b (3,)", "lse.dask.logsumexp(lazy, b=lazy[:3])"),
    (TypeError, UNSUPPORTED_B.replace("{f}", "logmeanexp"), "lse.dask.logmeanexp(lazy, b=value)", ["x"]),
    (TypeError, "softmax: where must be boolean, not int64; compare", "lse.dask.softmax(lazy, where=1)"),
    (ValueError, "softmax: shapes ... broadcast...: x (4,), where (2,)", "lse.dask.softmax(lazy, where=lazy[:2] > 0)"),
    (TypeError, "log_softmax: dtype int64 ... floating ...; " + FLOATS, "lse.dask.log_softmax(lazy, dtype=int)"),
    (ValueError, "logsumexp: split_every=0: ... 2 chunks", "lse.dask.logsumexp(lazy, split_every=0)"),
    (
        TypeError,
        "{called}: split_every must be an integer, or a dict ..., not {value!r}",
        ["lse.dask.logsumexp(lazy, split_every=value)", "lse.dask.logmeanexp(lazy, split_every=value)"],
        ["2", {"0": 2}],
    ),
    (AxisError, "softmax: axis 1 is out of bounds ... dimension 1", "lse.dask.softmax(lazy, split_every={1: 2})"),
    (
        TypeError,
        "logsumexp: complex128 sums ...chunks; rechunk ...axes (0,)",
        "lse.dask.logsumexp(lazy.astype(complex))",
    ),
]

GO_ALONE = "--cflags and --libs go with nothing but each other, --pkgconfigdir stands alone"
COMMANDS = {
    "--softmax": "expected numbers, a file, or - for standard input; see --help",
    "--axis": "argument --axis: expected one argument",
    "1 --axis 1.5": "argument --axis: expected an integer or a list of integers such as 0,2, not '1.5'",
    "1 --axis 1e1": "argument --axis: expected an integer or a list of integers such as 0,2, not '1e1'",
    "1 --axis 99999999999999999999": "--axis: axis 99999999999999999999 is out of bounds ...; the input has shape (1,)",
    "1 2 --axis 0,-1": "--axis: repeated axis in (0, -1); name each axis once; the input has shape (2,)",
    "1 --axis --softmax": "argument --axis: expected one argument",
    "1 --dtype": "argument --dtype: expected one argument",
    "1 --dtype int": "argument --dtype: invalid choice: 'int'",
    "1 --output": "argument --output: expected one argument",
    "1 --output .": ".: not a regular file; expected a name for --output to write to",
    "1 --output nowhere/a.npy": "nowhere/a.npy: No such file or directory",
    "1 --nonsense": "unrecognized arguments: --nonsense",
    "1 --soft": "unrecognized arguments: --soft",
    "1 -k": "unrecognized arguments: -k",
    "0x10": "'0x10' is neither a number nor a file",
    "1e": "'1e' is neither a number nor a file",
    '1 ""': "'' is not a number; expected either numbers, or one file",
    '"1 2"': "'1 2' is neither a number nor a file",
    "- -": "'-' is not a number; expected either numbers, or one file",
    "- 1": "'-' is not a number; expected either numbers, or one file",
    ". 1": "'.' is not a number; expected either numbers, or one file",
    ".": ".: ",
    "1 --keepdims --log-softmax": "--keepdims does not go with --softmax and --log-softmax",
    "1 --softmax --log-softmax": "argument --log-softmax: not allowed with argument --softmax",
    "--info 1": "--info stands alone",
    "--info --cflags": "--info: " + GO_ALONE,
    "--cflags 1": "1: " + GO_ALONE,
    "--cflags --softmax": "--softmax: " + GO_ALONE,
    "--pkgconfigdir --libs": "--pkgconfigdir: " + GO_ALONE,
}
