/* The structure of steady.c's loop, for what else is written in C and asks how far it is. */

#ifndef RLREACTOR_STEADY_H
#define RLREACTOR_STEADY_H

#include "agenda.h"

typedef struct {
    PyObject_HEAD
    PyObject *last, *bound; /* tags */
    PyObject *is_called;    /* True or False */
    int64_t tags, unhashed;
} SteadyLoop;

#endif
