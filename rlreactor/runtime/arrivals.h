/* What arrivals.c offers to what else is written in C; arrivals.py says what it means. */

#ifndef RLREACTOR_ARRIVALS_H
#define RLREACTOR_ARRIVALS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

enum { NOTHING, NEWS, UNUSUAL };

typedef struct {
    PyObject_HEAD
    PyObject *incoming; /* a tuple of them */
    char is_usual;
} Arrivals;

#define ARRIVALS_CALLS "ArrivalsCalls"

typedef struct {
    int (*receive)(Arrivals *self, int *is_news); /* NOTHING; UNUSUAL: what is left has to go the long way; -1: error */
    int (*receive_few)(Arrivals *self, int *is_news); /* for whom this is not enough, they must take in all */
    int (*has_come)(const Arrivals *self);
    int (*look)(Arrivals *self, int64_t looks);
    int (*look_in_turn)(Arrivals *self, int64_t looks); /* after each, whoever else wants the core has it */
} ArrivalsCalls;

#endif
