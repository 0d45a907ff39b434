// Preloaded into the executor that ships, by tests alone: writes down every program that it starts, with all arguments.
//
//   FAIRLEAD_WATCH   the file; one line an execution: program and arguments, a unit separator after each.
//
// Runs between fork and exec, so it takes no lock and no memory from the heap.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int (*real)(const char*, char* const[], char* const[]);
static const char* file;

__attribute__((constructor)) static void start(void) {
    real = (int (*)(const char*, char* const[], char* const[]))dlsym(RTLD_NEXT, "execve");
    file = getenv("FAIRLEAD_WATCH");
}

static size_t add(char* line, size_t at, size_t most, const char* text) {
    for (; *text && at + 2 < most; ++text) line[at++] = *text == '\n' ? ' ' : *text;
    line[at++] = '\x1f';
    return at;
}

int execve(const char* path, char* const argv[], char* const envp[]) {
    char line[8192];
    size_t at = add(line, 0, sizeof line - 1, path);
    for (size_t i = 1; argv[0] && argv[i] && at + 2 < sizeof line; ++i) at = add(line, at, sizeof line - 1, argv[i]);
    line[at++] = '\n';
    int log = file ? open(file, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
    if (log >= 0) {
        if (write(log, line, at) != (ssize_t)at) line[0] = 0;
        close(log);
    }
    return real(path, argv, envp);
}
