/*
 * A wall clock that a test can set, for the programs that are started with this library in
 * LD_PRELOAD: what the machine's clock says plus the nanoseconds in the file TEST_WALL_CLOCK.
 *
 * The file is mapped, so that a change is seen by all processes at the same moment. The monotonic
 * clock stays the machine's, as it does where somebody sets a clock. (libfaketime 0.9.10 cannot do
 * that for Python: with FAKETIME_DONT_FAKE_MONOTONIC a time.sleep() fails with EINVAL as soon as
 * the wall clock differs.)
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static const volatile int64_t *ahead;

__attribute__((constructor)) static void open_the_file(void)
{
    const char *path = getenv("TEST_WALL_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0)
        return;
    void *mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED)
        ahead = mapped;
}

int clock_gettime(clockid_t clock, struct timespec *found)
{
    int failed = syscall(SYS_clock_gettime, clock, found);
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t now = found->tv_sec * SECOND + found->tv_nsec + *ahead;
        found->tv_sec = now / SECOND;
        found->tv_nsec = now % SECOND;
    }
    return failed;
}

int gettimeofday(struct timeval *restrict found, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    found->tv_sec = now.tv_sec;
    found->tv_usec = now.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *found)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (found)
        *found = now.tv_sec;
    return now.tv_sec;
}
