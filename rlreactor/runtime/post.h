/* What post.c offers to what else is written in C; post.py says what it means. */

#ifndef RLREACTOR_POST_H
#define RLREACTOR_POST_H

#include "../scheduler/points.h"

#define POST_CALLS "PostCalls"

typedef struct {
    int (*is_empty)(PyObject *post);
    int (*flush)(PyObject *post, int64_t rank);  /* 1: what is in `unsent` has to go the long way; -1: error */
    int (*finish)(PyObject *post, int64_t rank); /* the same */
    int (*ring)(PyObject *post);
    int (*tell)(PyObject *post, Triple frontier);
    int (*promise)(PyObject *post, Point candidate, Point head);
    Triple (*promised)(PyObject *post, Point candidate);
} PostCalls;

#endif
