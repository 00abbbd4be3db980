/* The interpreter, linked with a sanitizer that cannot be loaded into an unsanitized program; PYTHON is the interpreter
 * whose environment it uses. */
#include <Python.h>

int main(int argc, char **argv)
{
    static char name[] = PYTHON;
    argv[0] = name;
    return Py_BytesMain(argc, argv);
}
