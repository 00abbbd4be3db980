/* The constants of one F; undefine.h undefines them. */
#if F_IS_DOUBLE
#define LANES 8 /* 64 bytes of elements */
#define MAGIC 0x1.8p52
#define LOWEST (-DBL_MAX)
#define EXP_BIAS 1023.0
#define HEADROOM 500.0
#define LONG_SLACK 277.0
#define SLACK 277.0 /* (EXP_BIAS - HEADROOM) ln 2, minus room for more than 2^30 terms */
#else
#define LANES 16
#define MAGIC 0x1.8p23f
#define LOWEST (-FLT_MAX)
#define EXP_BIAS 127.0f
#define HEADROOM 60.0
#define SLACK 27.0f
#define LONG_SLACK 13.0f
#endif
