/* The wire format: wire.py, which says what all this means, in C. */

#include "wire.h"

#define HEAD NOTICE
#define SINGLE (HEAD + ENTRY)
#define STOP 0xFFFFFFFFu
#define DRY 0xFFFFFFFEu
#define SHORT 512 /* bytes of a value up to which a copy is cheaper than a view */

static PyObject *nothing; /* an empty memoryview */

static PyObject *head(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count < 1 || count > 2 || !PyTuple_Check(args[0]) || PyTuple_GET_SIZE(args[0]) != 2) {
        PyErr_SetString(PyExc_TypeError, "head() takes a tag and perhaps a rank");
        return NULL;
    }
    int64_t time = PyLong_AsLongLong(PyTuple_GET_ITEM(args[0], 0));
    if (time == -1 && PyErr_Occurred())
        return NULL;
    uint64_t microstep = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(args[0], 1));
    if (microstep == (uint64_t)-1 && PyErr_Occurred())
        return NULL;
    uint64_t rank = count == 2 ? PyLong_AsUnsignedLongLong(args[1]) : 0;
    if (rank == (uint64_t)-1 && PyErr_Occurred())
        return NULL;
    char bytes[HEAD];
    memcpy(bytes, &time, 8);
    memcpy(bytes + 8, &microstep, 8);
    memcpy(bytes + 16, &rank, 8);
    return PyBytes_FromStringAndSize(bytes, HEAD);
}

/* An argument as a port. */
static int as_port(PyObject *value, uint32_t *port)
{
    long long number = PyLong_AsLongLong(value);
    if (number == -1 && PyErr_Occurred())
        return -1;
    if (number < 0 || number > 0xFFFFFFFFll) {
        PyErr_Format(PyExc_OverflowError, "port %lld: expected 0 to 2**32 - 1", number);
        return -1;
    }
    *port = (uint32_t)number;
    return 0;
}

static PyObject *entry(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    uint32_t port;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "entry() takes a port and a slot");
        return NULL;
    }
    if (as_port(args[0], &port) < 0)
        return NULL;
    long slot = PyLong_AsLong(args[1]);
    if (slot == -1 && PyErr_Occurred())
        return NULL;
    if (slot < INT32_MIN || slot > INT32_MAX) {
        PyErr_Format(PyExc_OverflowError, "slot %ld: expected 32 bits", slot);
        return NULL;
    }
    WireEntry made = entry_of_slot(port, (int32_t)slot);
    return bytes_of_entry(&made);
}

static PyObject *inline_entry(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    uint32_t port;
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "inline() takes a port and bytes");
        return NULL;
    }
    Py_buffer value;
    if (as_port(args[0], &port) < 0 || PyObject_GetBuffer(args[1], &value, PyBUF_CONTIG_RO) < 0)
        return NULL;
    WireEntry entry = entry_of_bytes(port, value.buf, value.len);
    PyObject *made = is_too_long(value.len) ? NULL : bytes_of_entry(&entry);
    PyBuffer_Release(&value);
    return made;
}

/* Bytes of a notice that go with an entry. */
static PyObject *payload_of(PyObject *notice, Py_ssize_t at, Py_ssize_t size)
{
    if (size <= SHORT)
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(notice) + at, size);
    PyObject *whole = PyMemoryView_FromObject(notice);
    PyObject *part = whole == NULL ? NULL : PySequence_GetSlice(whole, at, at + size);
    Py_XDECREF(whole);
    return part;
}

static PyObject *as_entry(uint32_t port, int32_t slot, PyObject *payload)
{
    PyObject *made = PyTuple_New(3), *first = PyLong_FromUnsignedLong(port), *second = PyLong_FromLong(slot);
    if (made == NULL || first == NULL || second == NULL || payload == NULL) {
        Py_XDECREF(made);
        Py_XDECREF(first);
        Py_XDECREF(second);
        Py_XDECREF(payload);
        return NULL;
    }
    PyTuple_SET_ITEM(made, 0, first);
    PyTuple_SET_ITEM(made, 1, second);
    PyTuple_SET_ITEM(made, 2, payload);
    return made;
}

static int is_long_enough(PyObject *notice)
{
    if (!PyBytes_Check(notice)) {
        PyErr_Format(PyExc_TypeError, "expected the bytes of a notice, received %R", notice);
        return 0;
    }
    if (PyBytes_GET_SIZE(notice) >= SINGLE)
        return 1;
    PyErr_Format(link_error, "a notice of %zd bytes: expected at least %d", PyBytes_GET_SIZE(notice), SINGLE);
    return 0;
}

/* All entries of a notice, or NULL. */
static PyObject *entries_of(PyObject *notice)
{
    const char *bytes = PyBytes_AS_STRING(notice);
    Py_ssize_t end = PyBytes_GET_SIZE(notice), at = HEAD;
    PyObject *entries = PyList_New(0);
    while (entries != NULL && at < end) {
        uint32_t port;
        int32_t slot;
        Py_ssize_t size = 0;
        PyObject *made = NULL;
        if (end - at < ENTRY) {
            PyErr_Format(link_error, "a malformed notice of %zd bytes: %zd bytes after its last entry", end, end - at);
            Py_CLEAR(entries);
            break;
        }
        memcpy(&port, bytes + at, 4);
        memcpy(&slot, bytes + at + 4, 4);
        at += ENTRY;
        if (slot < 0)
            size = -1 - (Py_ssize_t)slot;
        if (size > end - at)
            PyErr_Format(link_error, "a malformed notice of %zd bytes: port %u, %zd bytes from byte %zd on", end,
                         (unsigned)port, size, at);
        else
            made = as_entry(port, slot, slot < 0 ? payload_of(notice, at, size) : Py_NewRef(nothing));
        if (made == NULL || PyList_Append(entries, made) < 0)
            Py_CLEAR(entries);
        Py_XDECREF(made);
        at += (size + 7) & -8;
    }
    return entries;
}

static PyObject *parse(PyObject *module, PyObject *notice)
{
    if (!is_long_enough(notice))
        return NULL;
    const char *bytes = PyBytes_AS_STRING(notice);
    int64_t time;
    uint64_t microstep, rank;
    memcpy(&time, bytes, 8);
    memcpy(&microstep, bytes + 8, 8);
    memcpy(&rank, bytes + 16, 8);
    if (time < 0) {
        PyErr_Format(link_error, "a malformed notice: time %lld, %zd bytes", (long long)time, PyBytes_GET_SIZE(notice));
        return NULL;
    }
    PyObject *entries = entries_of(notice);
    return entries == NULL ? NULL : Py_BuildValue("((LK)KN)", (long long)time, microstep, rank, entries);
}

static PyObject *only_entry(PyObject *module, PyObject *notice)
{
    if (!is_long_enough(notice))
        return NULL;
    uint32_t port;
    int32_t slot;
    memcpy(&port, PyBytes_AS_STRING(notice) + HEAD, 4);
    memcpy(&slot, PyBytes_AS_STRING(notice) + HEAD + 4, 4);
    return as_entry(port, slot, payload_of(notice, SINGLE, PyBytes_GET_SIZE(notice) - SINGLE));
}

static PyMethodDef functions[] = {
    {"head", (PyCFunction)(void (*)(void))head, METH_FASTCALL, "The head of a notice."},
    {"entry", (PyCFunction)(void (*)(void))entry, METH_FASTCALL, "The entry of a value that lies in a slot."},
    {"inline", (PyCFunction)(void (*)(void))inline_entry, METH_FASTCALL, "The entry of a value that goes with it."},
    {"parse", parse, METH_O, "Tag, rank and entries. Raises LinkError for something that is no notice."},
    {"only_entry", only_entry, METH_O, "The entry of a notice that has one. Raises LinkError for any other."},
    {NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "rlreactor.links.wire", NULL, -1, functions};

/* Names that stand for a number, or for a type in annotations. */
static int add_names(PyObject *made)
{
    if (PyModule_AddObjectRef(made, "Entry", (PyObject *)&PyTuple_Type) < 0 ||
        PyModule_AddIntConstant(made, "HEAD", HEAD) < 0 || PyModule_AddIntConstant(made, "ENTRY", ENTRY) < 0 ||
        PyModule_AddIntConstant(made, "SINGLE", SINGLE) < 0 || PyModule_AddIntConstant(made, "STOP", STOP) < 0 ||
        PyModule_AddIntConstant(made, "DRY", DRY) < 0)
        return -1;
    return 0;
}

PyMODINIT_FUNC PyInit_wire(void)
{
    PyObject *errors = PyImport_ImportModule("rlreactor.errors");
    link_error = errors == NULL ? NULL : PyObject_GetAttrString(errors, "LinkError");
    Py_XDECREF(errors);
    PyObject *empty = PyBytes_FromStringAndSize("", 0);
    nothing = empty == NULL ? NULL : PyMemoryView_FromObject(empty);
    Py_XDECREF(empty);
    PyObject *made = link_error == NULL || nothing == NULL ? NULL : PyModule_Create(&module);
    if (made != NULL && add_names(made) < 0)
        Py_CLEAR(made);
    return made;
}
