/* Numbers as msgpack writes them, for what is written in C: to ask for that would take longer than to do it. */

#ifndef RLREACTOR_NUMBERS_H
#define RLREACTOR_NUMBERS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define LONGEST_NUMBER 9 /* bytes: its kind, and 8 */

/* The kinds, where those of 16, 32 and 64 bits follow that of 8; smaller numbers are their own kind. */
#define KIND_NONE 0xC0
#define KIND_FALSE 0xC2
#define KIND_TRUE 0xC3
#define KIND_DOUBLE 0xCB
#define KIND_UNSIGNED 0xCC
#define KIND_SIGNED 0xD0
#define LEAST_ALONE -32
#define MOST_ALONE 0x7F

/* A kind, then `width` bytes from the highest on. */
static inline unsigned char *write_bits(unsigned char *place, int kind, uint64_t bits, int width)
{
    *place++ = (unsigned char)kind;
    for (int shift = 8 * width - 8; shift >= 0; shift -= 8)
        *place++ = (unsigned char)(bits >> shift);
    return place;
}

static inline unsigned char *write_number(unsigned char *place, uint64_t number)
{
    int power = number <= UINT8_MAX ? 0 : number <= UINT16_MAX ? 1 : number <= UINT32_MAX ? 2 : 3;
    return number <= MOST_ALONE ? write_bits(place, (int)number, 0, 0)
                                : write_bits(place, KIND_UNSIGNED + power, number, 1 << power);
}

static inline unsigned char *write_negative(unsigned char *place, int64_t number)
{
    int power = number >= INT8_MIN ? 0 : number >= INT16_MIN ? 1 : number >= INT32_MIN ? 2 : 3;
    return number >= LEAST_ALONE ? write_bits(place, (int)number, 0, 0)
                                 : write_bits(place, KIND_SIGNED + power, (uint64_t)number, 1 << power);
}

static inline unsigned char *write_int(unsigned char *place, PyObject *given)
{
    int overflow;
    int64_t number = PyLong_AsLongLongAndOverflow(given, &overflow);
    if (!overflow)
        return number < 0 ? write_negative(place, number) : write_number(place, (uint64_t)number);
    uint64_t large = overflow < 0 ? 0 : PyLong_AsUnsignedLongLong(given);
    if (overflow > 0 && !PyErr_Occurred())
        return write_number(place, large);
    PyErr_Clear();
    return NULL;
}

/* Write None, a bool, an int of 64 bits or a float; NULL, without an error, for anything else. */
static inline unsigned char *write_plain(unsigned char *place, PyObject *given)
{
    if (given == Py_None)
        return write_bits(place, KIND_NONE, 0, 0);
    if (PyBool_Check(given))
        return write_bits(place, given == Py_True ? KIND_TRUE : KIND_FALSE, 0, 0);
    if (PyLong_CheckExact(given))
        return write_int(place, given);
    if (!PyFloat_CheckExact(given))
        return NULL;
    double number = PyFloat_AS_DOUBLE(given);
    uint64_t bits;
    memcpy(&bits, &number, sizeof(bits));
    return write_bits(place, KIND_DOUBLE, bits, 8);
}

static inline PyObject *read_alone(unsigned char kind)
{
    if (kind <= MOST_ALONE || kind >= (unsigned char)LEAST_ALONE)
        return PyLong_FromLong((signed char)kind);
    PyObject *found = kind == KIND_NONE ? Py_None : kind == KIND_FALSE ? Py_False : kind == KIND_TRUE ? Py_True : NULL;
    return Py_XNewRef(found);
}

/* What `write_plain` wrote; NULL, without an error but for want of memory, if that is anything else. */
static inline PyObject *read_plain(const unsigned char *place, Py_ssize_t size)
{
    if (size < 2 || size > LONGEST_NUMBER)
        return size == 1 ? read_alone(*place) : NULL;
    int kind = place[0], width = (int)size - 1;
    uint64_t bits = 0;
    for (int i = 0; i < width; i++)
        bits = bits << 8 | place[1 + i];
    if (kind == KIND_DOUBLE && width == 8) {
        double number;
        memcpy(&number, &bits, sizeof(number));
        return PyFloat_FromDouble(number);
    }
    if (kind >= KIND_UNSIGNED && kind < KIND_UNSIGNED + 4 && width == 1 << (kind - KIND_UNSIGNED))
        return PyLong_FromUnsignedLongLong(bits);
    int unused = 64 - 8 * width;
    if (kind >= KIND_SIGNED && kind < KIND_SIGNED + 4 && width == 1 << (kind - KIND_SIGNED))
        return PyLong_FromLongLong((int64_t)(bits << unused) >> unused);
    return NULL;
}

#endif
