/* What rest.c offers to what else is written in C; rest.py says what it means. */

#ifndef RLREACTOR_REST_H
#define RLREACTOR_REST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define REST_CALLS "RestCalls"

typedef struct {
    void (*note)(PyObject *rest);
    int (*until_news)(PyObject *rest); /* 1; 0: nothing came for so long that it is unusual; -1: error */
} RestCalls;

#endif
