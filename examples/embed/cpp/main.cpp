// log(sum(exp(x))) of numbers from the command line, in C++.
#include <cstdio>
#include <lse/lse.h>
#include <stdexcept>
#include <string>
#include <vector>

static double logsumexp(const std::vector<double> &x)
{
    double value;
    const int error = lse_logsumexp_f64(x.data(), static_cast<std::ptrdiff_t>(x.size()), &value);
    if (error) throw std::runtime_error(lse_error_message(error));
    return value;
}

int main(int argc, char **argv)
{
    std::vector<double> x;
    for (int i = 1; i < argc; i++) x.push_back(std::stod(argv[i]));
    std::printf("%.17g\n", logsumexp(x));
}
