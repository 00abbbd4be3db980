/* The logarithm of a mixture's density, in an extension of Python: a function of any object that is a buffer of
 * doubles. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <lse/capsule.h>

static const lse_api *lse;

static PyObject *log_density(PyObject *module, PyObject *log_terms)
{
    Py_buffer x;
    double value;
    (void)module;
    if (PyObject_GetBuffer(log_terms, &x, PyBUF_CONTIG_RO | PyBUF_FORMAT) < 0) return NULL;
    if (strcmp(x.format, "d") != 0) {
        PyBuffer_Release(&x);
        PyErr_SetString(PyExc_TypeError, "expected an array of float64");
        return NULL;
    }
    const int error = lse->logsumexp_f64((const double *)x.buf, x.len / x.itemsize, &value);
    PyBuffer_Release(&x);
    if (error) return PyErr_Format(PyExc_RuntimeError, "%s", lse->error_message(error));
    return PyFloat_FromDouble(value);
}

static PyMethodDef methods[] = {
    {"log_density", log_density, METH_O, "log(sum(exp(log_terms)))"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "mixture", NULL, -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_mixture(void)
{
    lse = lse_import();
    return lse ? PyModule_Create(&definition) : NULL;
}
