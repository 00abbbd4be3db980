/* The interpreter, linked with a sanitizer that cannot be loaded before a program that is not; PYTHON is whose
 * environment it runs in. */
#include <Python.h>

int main(int argc, char **argv)
{
    static char name[] = PYTHON;
    argv[0] = name;
    return Py_BytesMain(argc, argv);
}
