/* Undefines the macros of body.h and exp.h for one F. */
#undef F
#undef V
#undef REAL
#undef F_IS_DOUBLE
#undef LANES
#undef MAGIC
#undef LOWEST
#undef EXP_BIAS
#undef HEADROOM
#undef SLACK
#undef LONG_SLACK
#undef SMALLEST
#undef ROOM
#undef INSIDE_LIMIT
#undef RISE
#undef HEADWAY
