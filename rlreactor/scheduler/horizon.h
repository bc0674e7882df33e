/* The structure of horizon.c, for what else is written in C and moves edges. */

#ifndef RLREACTOR_HORIZON_H
#define RLREACTOR_HORIZON_H

#include "edges.h"

typedef struct {
    PyObject_HEAD
    Edges *edges, *stopping;
    PyObject *of_worker, *at_gate; /* dictionaries of Edges */
    PyObject *unaware;             /* a set */
    Point known, floor, latest, stops;
} Horizon;

static inline void refresh(Horizon *horizon)
{
    Point floor = horizon->floor, known = earliest_of(horizon->edges), stops = earliest_of(horizon->stopping);
    horizon->known = known;
    horizon->latest = is_earlier(floor, known) ? known : floor;
    horizon->stops = is_earlier(floor, stops) ? stops : floor;
}

#endif
