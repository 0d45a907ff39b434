// Preloaded into the executor that ships, by tests alone: counts the records that its journal has made durable, and
// stops the world right after the one that a test names.
//
//   FAIRLEAD_CRASH_DIR   a folder. `records` in it has a line for each record: its time in ms. `at` holds a number: stop
//                        after the first record that is at least the so-manieth (absent or 0: only count).
//
// At that record `reached` appears in the folder with its number, and the thread waits until `go` appears: meanwhile the
// test cuts the power, ends the link or the controller, or ends this process, and then nothing after that record has
// happened. It stops once for each number that a test writes.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long read_number(const char* dir, const char* name) {
    char path[4096], text[32] = {0};
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    return got > 0 ? atol(text) : 0;
}

static void write_number(const char* dir, const char* name, long number) {
    char path[4096], text[32];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) return;
    int size = snprintf(text, sizeof text, "%ld\n", number);
    if (write(file, text, (size_t)size) < 0) errno = 0;
    close(file);
}

/* Adds a line; the number of lines. A line is 14 bytes, so that the file's size counts them. */
static long add_record(const char* dir) {
    char path[4096], line[32];
    struct timespec now;
    struct stat file_now;
    snprintf(path, sizeof path, "%s/records", dir);
    int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    int size = snprintf(line, sizeof line, "%013lld\n", now.tv_sec * 1000LL + now.tv_nsec / 1000000);
    if (write(file, line, (size_t)size) < 0 || fstat(file, &file_now) != 0) file_now.st_size = 0;
    close(file);
    return (long)(file_now.st_size / size);
}

static int is_journal(int file) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0) return 0;
    path[size] = 0;
    const char* name = strrchr(path, '/');
    return name && strncmp(name, "/journal", 8) == 0 && size > 4 && strcmp(path + size - 4, "-wal") == 0;
}

static void recorded(int file) {
    const char* dir = getenv("FAIRLEAD_CRASH_DIR");
    if (!dir || strcmp(program_invocation_short_name, "fairlead-agent") != 0 || !is_journal(file)) return;
    pthread_mutex_lock(&lock);
    long count = add_record(dir), at = read_number(dir, "at");
    if (at > 0 && count >= at) {
        char go[4096];
        struct stat there;
        snprintf(go, sizeof go, "%s/go", dir);
        write_number(dir, "at", 0);
        write_number(dir, "reached", count);
        // Holds the lock: no other thread makes a record either.
        while (stat(go, &there) != 0) usleep(2000);
        unlink(go);
    }
    pthread_mutex_unlock(&lock);
}

int fdatasync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int result = real(file);
    int error = errno;
    if (result == 0) recorded(file);
    errno = error;
    return result;
}

int fsync(int file) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int result = real(file);
    int error = errno;
    if (result == 0) recorded(file);
    errno = error;
    return result;
}
