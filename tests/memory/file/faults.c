/* To be preloaded into a process that is tested: makes chosen calls of the C library fail, as a disk would, and keeps a
 * record of what was written and synced, from which a test tells what a power cut would have left.
 *
 * Only files below the watched folder are concerned. What is written to mapped memory is not seen: SQLite shares the
 * state of its journal that way, and makes it anew after a crash. faults.py calls what is exported here, and reads the
 * record. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { READING = 1, WRITING = 2, SYNCING = 4 };

static char watched[4096];
static int kinds, error_to_give, goes_on;
static long first, counted;
static int record = -1;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* Watch a folder, and count from anew the calls of some kinds there. The one of number `n` fails with `error`, and
 * those after it as well if `lasting`; none if `n` is 0. */
void faults_arm(const char *folder, int of_kinds, long n, int error, int lasting) {
    snprintf(watched, sizeof watched, "%s", folder);
    kinds = of_kinds, first = n, error_to_give = error, goes_on = lasting, counted = 0;
}

/* How many calls were counted. */
long faults_counted(void) { return counted; }

/* Record what happens in a folder. */
void faults_record(const char *folder, const char *into) {
    snprintf(watched, sizeof watched, "%s", folder);
    record = REAL(open)(into, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int is_watched(const char *path) { return watched[0] && !strncmp(path, watched, strlen(watched)); }

/* The path of a descriptor, until that of another is asked for. */
static const char *path_of(int fd) {
    static __thread char path[4096];
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    return path;
}

static int fails(int kind, const char *path) {
    if (!(kinds & kind) || !is_watched(path)) return 0;
    long n = __sync_add_and_fetch(&counted, 1);
    if (!first || n < first || (n > first && !goes_on)) return 0;
    errno = error_to_give;
    return 1;
}

/* One line of words between tabs, and after it the bytes that were written. */
static void note(const char *what, const char *path, long long where, const void *bytes, size_t size) {
    if (record < 0 || !is_watched(path)) return;
    int before = errno;
    char line[8500];
    int length = snprintf(line, sizeof line, "%s\t%d\t%s\t%lld\t%zu\n", what, (int)getpid(), path, where, size);
    struct iovec parts[] = {{line, length}, {(void *)bytes, size}};
    if (writev(record, parts, 2) < 0) perror("the record cannot be written");
    errno = before;
}

static int opened(int (*call)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    int is_new = (flags & O_CREAT) && is_watched(path) && access(path, F_OK);
    if (fails(is_new ? WRITING : READING, path)) return -1;
    int fd = call(path, flags, mode);
    if (fd >= 0 && is_new) note("create", path, 0, "", 0);
    if (fd >= 0 && (flags & O_TRUNC)) note("truncate", path, 0, "", 0);
    return fd;
}

#define OPEN(name)                                          \
    int name(const char *path, int flags, ...) {            \
        va_list rest;                                       \
        va_start(rest, flags);                              \
        mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                       \
        return opened(REAL(name), path, flags, mode);       \
    }
OPEN(open)
OPEN(open64)

#define READ(name, parameters, ...)                         \
    ssize_t name parameters {                               \
        return fails(READING, path_of(fd)) ? -1 : REAL(name)(__VA_ARGS__); \
    }
READ(read, (int fd, void *to, size_t size), fd, to, size)
READ(pread, (int fd, void *to, size_t size, off_t where), fd, to, size, where)
READ(pread64, (int fd, void *to, size_t size, off64_t where), fd, to, size, where)

ssize_t write(int fd, const void *from, size_t size) {
    if (fails(WRITING, path_of(fd))) return -1;
    ssize_t written = REAL(write)(fd, from, size);
    if (written > 0) note("write", path_of(fd), lseek(fd, 0, SEEK_CUR) - written, from, written);
    return written;
}

#define PWRITE(name, offset)                                \
    ssize_t name(int fd, const void *from, size_t size, offset where) { \
        if (fails(WRITING, path_of(fd))) return -1;         \
        ssize_t written = REAL(name)(fd, from, size, where); \
        if (written > 0) note("write", path_of(fd), where, from, written); \
        return written;                                     \
    }
PWRITE(pwrite, off_t)
PWRITE(pwrite64, off64_t)

#define TRUNCATE(name, offset)                              \
    int name(int fd, offset size) {                         \
        if (fails(WRITING, path_of(fd))) return -1;         \
        int result = REAL(name)(fd, size);                  \
        if (!result) note("truncate", path_of(fd), size, "", 0); \
        return result;                                      \
    }
TRUNCATE(ftruncate, off_t)
TRUNCATE(ftruncate64, off64_t)

/* Below the watched folder nothing is really synced: there the power is cut on paper only, and syncing takes time. */
#define SYNC(name)                                          \
    int name(int fd) {                                      \
        const char *path = path_of(fd);                     \
        if (!is_watched(path)) return REAL(name)(fd);       \
        if (fails(SYNCING, path)) return -1;                \
        note("sync", path, 0, "", 0);                       \
        return 0;                                           \
    }
SYNC(fsync)
SYNC(fdatasync)

int mkdir(const char *path, mode_t mode) {
    if (fails(WRITING, path)) return -1;
    int result = REAL(mkdir)(path, mode);
    if (!result) note("mkdir", path, 0, "", 0);
    return result;
}

int unlink(const char *path) {
    if (fails(WRITING, path)) return -1;
    int result = REAL(unlink)(path);
    if (!result) note("unlink", path, 0, "", 0);
    return result;
}

int rename(const char *from, const char *to) {
    if (fails(WRITING, to)) return -1;
    int result = REAL(rename)(from, to);
    if (!result) note("rename", from, 0, to, strlen(to));
    return result;
}

/* A lock is held from here until its file is closed. */
int flock(int fd, int how) {
    int result = REAL(flock)(fd, how);
    if (!result && (how & LOCK_EX)) note("lock", path_of(fd), fd, "", 0);
    return result;
}

int close(int fd) {
    if (record >= 0) note("close", path_of(fd), fd, "", 0);
    return REAL(close)(fd);
}
