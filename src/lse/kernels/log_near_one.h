/* log_near_one.c: log(e^x + e^y), or if subtract log(e^x - e^y), for y <= x, |x| and |y| below 800, and a result below
 * 2^-6 in magnitude that is also less than half of x. */
#ifndef LSE_LOG_NEAR_ONE_H
#define LSE_LOG_NEAR_ONE_H

double lse_log_near_one(double x, double y, int subtract);

#endif
