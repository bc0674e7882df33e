/* The structure of steady.c's Outflow, for what else is written in C and takes the values of ports. */

#ifndef RLREACTOR_OUTFLOW_H
#define RLREACTOR_OUTFLOW_H

#include "../lender.h"

typedef struct {
    PyObject_HEAD
    PyObject *unhashed, *hash_bytes, *storage, *record, *delayed, *deliver_later;
    PyObject *remote; /* a tuple */
    PyObject *slots, *cell;
    long long index;
    char lies_in_memory;
} Outflow;

/* The bytes of the value that was stored last: a new reference. */
static inline PyObject *stored_of_outflow(const Outflow *outflow, PyTypeObject *lender_type)
{
    PyObject *storage = outflow->storage;
    if (storage != NULL && PyObject_TypeCheck(storage, lender_type) && ((Lender *)storage)->stored != NULL)
        return Py_NewRef(((Lender *)storage)->stored);
    if (storage != NULL)
        return PyObject_GetAttrString(storage, "stored");
    PyErr_SetString(PyExc_AttributeError, "this outlet was never made");
    return NULL;
}

#endif
