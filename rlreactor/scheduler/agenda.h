/* What agenda.c offers to what else is written in C and queues events. */

#ifndef RLREACTOR_AGENDA_H
#define RLREACTOR_AGENDA_H

#include "points.h"

typedef struct {
    PyObject_HEAD
    PyObject *head;  /* a tag */
    PyObject *first; /* a list of pairs */
    PyObject *later; /* a list of tags */
    PyObject *at;    /* a dictionary of such lists */
} Agenda;

#define AGENDA_CALLS "AgendaCalls"

typedef struct {
    int (*push)(Agenda *self, PyObject *tag, PyObject *event); /* a pair of target and value; -1: error */
    int (*advance)(Agenda *self);
} AgendaCalls;

#endif
