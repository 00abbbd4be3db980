"""lse side by side with its peers and with the limits of the machine: ``python -m benchmarks``.

With LSE_KERNELS=avx2, peers that choose their instructions themselves get no more than AVX2 either.
"""

import os

if os.environ.get("LSE_KERNELS") == "avx2":
    os.environ.setdefault("ATEN_CPU_CAPABILITY", "avx2")  # torch
    os.environ.setdefault("NPY_DISABLE_CPU_FEATURES", "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_ICL AVX512_SPR")
    os.environ.setdefault("XLA_FLAGS", "--xla_cpu_max_isa=AVX2")  # jax
