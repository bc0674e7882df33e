/* Tags and frontiers as numbers, for what is written in C: tag.py and edges.py say what they mean. */

#ifndef RLREACTOR_POINTS_H
#define RLREACTOR_POINTS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

typedef struct {
    int64_t time, microstep;
} Point;

typedef struct {
    int64_t time, microstep, rank;
} Triple;

#define LAST_TIME INT64_MAX

static inline int is_earlier(Point one, Point other)
{
    return one.time < other.time || (one.time == other.time && one.microstep < other.microstep);
}

static inline int is_before(Triple one, Triple other)
{
    if (one.time != other.time)
        return one.time < other.time;
    return one.microstep < other.microstep || (one.microstep == other.microstep && one.rank < other.rank);
}

static inline int64_t time_after(int64_t time, int64_t shift)
{
    return time > LAST_TIME - shift ? LAST_TIME : time + shift;
}

/* As Delay.added_to: the tag at which something sent at `sent` arrives. */
static inline Point arrival_after(Point sent, int64_t shift, int64_t microsteps)
{
    if (shift)
        return (Point){time_after(sent.time, shift), microsteps};
    return (Point){sent.time, sent.microstep + microsteps};
}

static inline int is_same(Point one, Point other)
{
    return one.time == other.time && one.microstep == other.microstep;
}

/* Whether a number is so small that it need not be converted, as most are. */
static inline int is_small(PyObject *number, int64_t *value)
{
    if (!PyLong_CheckExact(number))
        return 0;
    PyLongObject *digits = (PyLongObject *)number;
#if PY_VERSION_HEX >= 0x030C0000
    if (!PyUnstable_Long_IsCompact(digits))
        return 0;
    *value = PyUnstable_Long_CompactValue(digits);
#else
    Py_ssize_t size = Py_SIZE(number); /* and the sign */
    if (size < -1 || size > 1)
        return 0;
    *value = size ? size * (int64_t)digits->ob_digit[0] : 0;
#endif
    return 1;
}

/* To and from tuples of numbers: -1 or NULL with an error set where they are none. Larger ones than FOREVER's count as
 * FOREVER's: nothing that late ever happens. */

static inline int numbers_of(PyObject *tuple, int64_t *numbers, Py_ssize_t count)
{
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != count) {
        PyErr_Format(PyExc_TypeError, "expected %zd whole numbers, received %R", count, tuple);
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        int overflow;
        if (is_small(PyTuple_GET_ITEM(tuple, i), &numbers[i]))
            continue;
        numbers[i] = PyLong_AsLongLongAndOverflow(PyTuple_GET_ITEM(tuple, i), &overflow);
        if (numbers[i] == -1 && PyErr_Occurred())
            return -1;
        if (overflow)
            numbers[i] = overflow > 0 ? LAST_TIME : INT64_MIN;
    }
    return 0;
}

static inline int point_of(PyObject *tuple, Point *point)
{
    int64_t numbers[2];
    if (numbers_of(tuple, numbers, 2) < 0)
        return -1;
    *point = (Point){numbers[0], numbers[1]};
    return 0;
}

static inline int triple_of(PyObject *tuple, Triple *triple)
{
    int64_t numbers[3];
    if (numbers_of(tuple, numbers, 3) < 0)
        return -1;
    *triple = (Triple){numbers[0], numbers[1], numbers[2]};
    return 0;
}

static inline PyObject *tuple_of(const int64_t *numbers, Py_ssize_t count)
{
    PyObject *tuple = PyTuple_New(count);
    for (Py_ssize_t i = 0; tuple != NULL && i < count; i++) {
        PyObject *number = PyLong_FromLongLong(numbers[i]);
        if (number == NULL)
            Py_CLEAR(tuple);
        else
            PyTuple_SET_ITEM(tuple, i, number);
    }
    return tuple;
}

static inline PyObject *point_as_tuple(Point point)
{
    int64_t numbers[] = {point.time, point.microstep};
    return tuple_of(numbers, 2);
}

static inline PyObject *triple_as_tuple(Triple triple)
{
    int64_t numbers[] = {triple.time, triple.microstep, triple.rank};
    return tuple_of(numbers, 3);
}

#endif
