/* The structure of lender.c, for what else is written in C and asks for what was stored. */

#ifndef RLREACTOR_LENDER_H
#define RLREACTOR_LENDER_H

#include "lent.h"

typedef struct {
    PyObject_HEAD
    PyObject *values; /* a list */
    Py_ssize_t next;
    Lent *lent; /* or NULL */
    PyObject *stored;
} Lender;

#endif
