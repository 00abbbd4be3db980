"""Messages shared by many wrong calls."""

AXIS_FUNCTIONS = ["logsumexp", "logmeanexp", "softmax", "log_softmax"]
FUNCTIONS = [*AXIS_FUNCTIONS, "logcumsumexp", "segment_logsumexp"]
MAPS = ["softmax", "log_softmax"]
SUMS = ["logsumexp", "logmeanexp"]

INEXACT = "expected float16, bfloat16, float32, float64, longdouble, complex64, complex128"
NUMBERS = f"{INEXACT}, clongdouble, an integer type or bool"
FLOATS = f"{INEXACT} or clongdouble"
REAL = "expected float16, bfloat16, float32, float64, an integer type or bool"
UNSUPPORTED = "{f}: dtype {array.dtype.name} of {x} ... " + NUMBERS + "...convert {x}"
UNSUPPORTED_B = "{f}: dtype {array.dtype.name} of b ... " + NUMBERS + "...convert b"
MASKED = "{f}: {x} holds masked arrays...ignored...pass m.data, where=~m.mask"
CAST = "{f}: cannot cast the result from float64 to {value.dtype.name} of out...'same_kind'; pass an out of float64"
CAST_COMPLEX = "{f}: cannot cast the result from complex128 to float64 of out...'same_kind'; pass an out of complex128"
AXES = "{f}: axis must be None, an integer or a tuple of integers, not {value!r}"
OUT_OF_BOUNDS = "{f}: axis {value} is out of bounds for array of dimension 1"
FLAG = " must be True or False, not {value!r}"
MISMATCH = "{f}: shapes that do not broadcast with each other: "
RAGGED = "setting an array element with a sequence"
