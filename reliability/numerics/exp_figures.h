/* What is seen of an exponential, of either type. */
#ifndef EXP_FIGURES_H
#define EXP_FIGURES_H

#include <math.h>

#include "figures.h"

/* Errors of scale (1 + u), and of that rounded; |u|. */
static greatest parts_error, product_error, greatest_u;
/* Of floats, as their sums have them, in 2^-24 of e^x. */
static greatest wide_error, eighths_error;
/* Neighbours in the wrong order, once rounded: n the same, or n changing; and before they are rounded. |r| beyond ln(2) / 2
 * and what n may be off: misplaced. */
static count numbers, wrongly_rounded, decreases, decreases_between, parts_decrease, out_of_range, unlike, misplaced;

static void look_at_argument(double r, double x)
{
    if (fabs(r) > 0.3505) happened(&misplaced, x);
}

static void print_figures(void)
{
    print_greatest("parts", &parts_error);
    print_greatest("product", &product_error);
    print_greatest("u", &greatest_u);
    print_greatest("wide", &wide_error);
    print_greatest("eighths", &eighths_error);
    print_count("numbers", &numbers);
    print_count("wrongly_rounded", &wrongly_rounded);
    print_count("decreases", &decreases);
    print_count("decreases_between", &decreases_between);
    print_count("parts_decrease", &parts_decrease);
    print_count("out_of_range", &out_of_range);
    print_count("unlike", &unlike);
    print_count("misplaced", &misplaced);
}

#endif
