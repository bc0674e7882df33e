/* The structure of position.c, for what else is written in C and asks where a worker is. */

#ifndef RLREACTOR_POSITION_H
#define RLREACTOR_POSITION_H

#include "../access.h"
#include "../scheduler/steady.h"

typedef struct {
    PyObject_HEAD
    SteadyLoop *scheduler;
    Running *execution;
    Agenda *queue;
    PyObject *inbox;
    Point last;
    int64_t received;
    char in_tag;
} Position;

/* The earliest event that the worker has. */
static inline int head_of(const Position *position, Point *head)
{
    return point_of(position->in_tag ? position->execution->tag : position->queue->head, head);
}

#endif
