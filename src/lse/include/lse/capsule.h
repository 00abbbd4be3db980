/* lse for C extensions of Python: the functions of lse.h from the installed package, without linking anything.
 *
 *     static const lse_api *lse;
 *     ... in the module's init: if (!(lse = lse_import())) return NULL;
 *     ... anywhere, with or without the GIL: lse->logsumexp_f64(x, n, &value);
 *
 * Compile with -I from lse.get_include(). An extension works with the lse that it was compiled for and with any later
 * one of the same major version of the interface; while that is 0, of the same minor version. */
#ifndef LSE_CAPSULE_H
#define LSE_CAPSULE_H

#include <Python.h>

#include "lse.h"

#define LSE_CAPSULE "lse._core._C_API"

/* The table of functions, or NULL with ImportError set. Needs the GIL; the table itself does not, and is valid as long
 * as the process. */
static inline const lse_api *lse_import(void)
{
    const lse_api *api = (const lse_api *)PyCapsule_Import(LSE_CAPSULE, 0);
    if (!api) return NULL;
    const int is_older = LSE_API_MAJOR ? api->minor < LSE_API_MINOR : api->minor != LSE_API_MINOR;
    if (api->major != LSE_API_MAJOR || is_older) {
        PyErr_Format(
            PyExc_ImportError,
            "compiled for version %d.%d of the C interface of lse, but the installed lse has version %d.%d; %s",
            LSE_API_MAJOR, LSE_API_MINOR, api->major, api->minor,
            api->major > LSE_API_MAJOR || (api->major == LSE_API_MAJOR && api->minor > LSE_API_MINOR)
                ? "compile this extension again"
                : "upgrade lse");
        return NULL;
    }
    return api;
}

#endif
