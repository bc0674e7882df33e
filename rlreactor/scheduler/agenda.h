/* The structure of agenda.c, for what else is written in C and queues events. */

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

/* Queue an event at the earliest tag of all: 1 if `tag` is that one, 0 with nothing done if not. */
static inline int push_first(Agenda *agenda, PyObject *tag, PyObject *event)
{
    Point head, point;
    if (point_of(agenda->head, &head) < 0 || point_of(tag, &point) < 0)
        return -1;
    int is_empty = !PyList_GET_SIZE(agenda->first);
    if (!is_same(head, point) && !(is_empty && is_earlier(point, head)))
        return 0;
    if (!is_empty)
        return PyList_Append(agenda->first, event) < 0 ? -1 : 1;
    PyObject *first = PyList_New(1); /* a new list: whoever took the last one may still go through it */
    if (first == NULL)
        return -1;
    PyList_SET_ITEM(first, 0, Py_NewRef(event));
    Py_SETREF(agenda->first, first);
    Py_SETREF(agenda->head, Py_NewRef(tag));
    return 1;
}

#endif
