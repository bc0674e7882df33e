/* The structures of edges.c, for what else is written in C and tells or asks edges. */

#ifndef RLREACTOR_EDGES_H
#define RLREACTOR_EDGES_H

#include "points.h"

typedef struct {
    PyObject_HEAD
    PyObject *delay;
    int64_t source, writer, reader, first_rank;
    int64_t shift, microsteps; /* of the delay */
    int64_t first, period;     /* of the cadence */
    int at_any_tag;
    Point earliest;
    Triple due;
} InEdge;

typedef struct {
    PyObject_HEAD
    Triple due;
    PyObject *edges; /* a tuple */
    Py_ssize_t moved;
    int64_t (*moves)[2]; /* room for one of each edge */
} Edges;

/* As `cadence.following`. */
static inline int64_t next_of(const InEdge *edge, int64_t time)
{
    if (time <= edge->first)
        return edge->first;
    if (edge->period == 0)
        return LAST_TIME;
    int64_t passed = (time - edge->first) % edge->period;
    return passed ? time_after(time, edge->period - passed) : time;
}

static inline int edge_advance(InEdge *edge, Triple frontier)
{
    if (!is_before(edge->due, frontier))
        return 0;
    int64_t time = frontier.time, microstep = frontier.microstep;
    int is_past = frontier.rank > edge->writer;
    if (edge->at_any_tag)
        microstep += is_past;
    else {
        time = next_of(edge, microstep || is_past ? time_after(time, 1) : time);
        microstep = 0;
    }
    edge->due = (Triple){time, microstep, edge->writer};
    Point arrival = arrival_after((Point){time, microstep}, edge->shift, edge->microsteps);
    if (!is_earlier(edge->earliest, arrival))
        return 0;
    edge->earliest = arrival;
    return 1;
}

static inline InEdge *edge_of(const Edges *edges, Py_ssize_t index)
{
    return (InEdge *)PyTuple_GET_ITEM(edges->edges, index);
}

static inline int edges_advance(Edges *edges, Triple frontier)
{
    edges->moved = 0;
    if (!is_before(edges->due, frontier))
        return 0;
    Triple due = {LAST_TIME, LAST_TIME, LAST_TIME};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges->edges); i++) {
        InEdge *edge = edge_of(edges, i);
        int64_t time = edge->earliest.time;
        if (edge_advance(edge, frontier)) {
            edges->moves[edges->moved][0] = time;
            edges->moves[edges->moved++][1] = edge->earliest.time;
        }
        if (is_before(edge->due, due))
            due = edge->due;
    }
    edges->due = due;
    return edges->moved > 0;
}

static inline int edges_moved_past(const Edges *edges, int64_t time)
{
    for (Py_ssize_t i = 0; i < edges->moved; i++)
        if (edges->moves[i][0] <= time && time <= edges->moves[i][1])
            return 1;
    return 0;
}

static inline Point earliest_of(const Edges *edges)
{
    Point found = {LAST_TIME, 0};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges->edges); i++)
        if (is_earlier(edge_of(edges, i)->earliest, found))
            found = edge_of(edges, i)->earliest;
    return found;
}

static inline int are_all_after(const Edges *edges, Point tag)
{
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges->edges); i++)
        if (!is_earlier(tag, edge_of(edges, i)->earliest))
            return 0;
    return 1;
}

static inline Triple reached_by(const Edges *edges, Point candidate, Point floor)
{
    Triple best = {candidate.time, candidate.microstep, 0};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(edges->edges); i++) {
        const InEdge *edge = edge_of(edges, i);
        Point arrival = is_earlier(edge->earliest, floor) ? floor : edge->earliest;
        Triple found = {arrival.time, arrival.microstep, edge->first_rank};
        if (!is_earlier(candidate, arrival) && is_before(found, best))
            best = found;
    }
    return best;
}

#endif
