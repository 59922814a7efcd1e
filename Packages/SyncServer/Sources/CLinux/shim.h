// What Swift's Glibc module leaves out of Linux's C library: epoll, eventfd and accept4.
#ifndef ENTITYSYNC_CLINUX_SHIM_H
#define ENTITYSYNC_CLINUX_SHIM_H

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static inline int clinux_accept4(int fd, int flags) {
    extern int accept4(int, struct sockaddr *, socklen_t *, int);
    return accept4(fd, 0, 0, flags);
}
#endif

#endif
