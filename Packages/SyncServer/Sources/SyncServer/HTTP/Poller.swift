// SPDX-License-Identifier: MIT

// Which sockets are ready: epoll on Linux, kqueue on Darwin. Level-triggered in both, so a
// socket that was not read to the end is reported again.

#if canImport(Glibc)
    import CLinux
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// What a socket is watched for.
struct PollInterest: OptionSet, Hashable {
    let rawValue: UInt8
    static let read = PollInterest(rawValue: 1)
    static let write = PollInterest(rawValue: 2)
}

/// What happened to a socket.
struct PollEvent {
    /// The number that was given when it was added.
    var token: UInt64
    var isReadable: Bool
    var isWritable: Bool
    /// The connection is broken: nothing can be sent.
    var isBroken: Bool
}

#if canImport(Glibc)
    /// A set of watched descriptors. It owns its own descriptor, not those in it.
    final class Poller {
        private let descriptor: CInt
        private var events: [epoll_event]

        /// Creates an empty set that reports up to `batch` events at a time.
        init(batch: Int = 256) throws(HTTPServerError) {
            descriptor = epoll_create1(CInt(EPOLL_CLOEXEC))
            guard descriptor >= 0 else { throw HTTPServerError(system: "epoll_create1") }
            events = Array(repeating: epoll_event(), count: batch)
        }

        deinit { _ = Glibc.close(descriptor) }

        /// Watches `socket`; false if the system has no memory for it.
        func add(_ socket: CInt, token: UInt64, interest: PollInterest) -> Bool {
            control(EPOLL_CTL_ADD, socket, token, interest)
        }

        /// Replaces what `socket` is watched for; `token` is the one it was added with.
        ///
        /// With no interest a broken connection is still reported.
        func change(
            _ socket: CInt, token: UInt64, from old: PollInterest, to interest: PollInterest
        ) {
            _ = control(EPOLL_CTL_MOD, socket, token, interest)
        }

        /// Ends watching `socket`.
        func remove(_ socket: CInt, interest: PollInterest) {
            _ = control(EPOLL_CTL_DEL, socket, 0, [])
        }

        /// Waits until something happens or `timeout` nanoseconds have passed, nil for ever.
        ///
        /// A signal ends it early, with nothing to report.
        func wait(timeout: UInt64?) -> Int {
            // Rounded up: waking before a deadline would only lead to another wait.
            let milliseconds = timeout.map {
                CInt(min(($0 / 1_000_000) + ($0 % 1_000_000 == 0 ? 0 : 1), 3_600_000))
            }
            let count = epoll_wait(
                descriptor, &events, CInt(events.count), milliseconds ?? -1)
            precondition(count >= 0 || errno == EINTR, "epoll_wait fails on bad arguments only")
            return max(0, Int(count))
        }

        /// The event at `index`, below what `wait` returned.
        func event(at index: Int) -> PollEvent {
            let event = events[index]
            let bits = event.events
            return PollEvent(
                token: event.data.u64, isReadable: bits & EPOLLIN.rawValue != 0,
                isWritable: bits & EPOLLOUT.rawValue != 0,
                isBroken: bits & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0)
        }

        private func control(
            _ operation: CInt, _ socket: CInt, _ token: UInt64, _ interest: PollInterest
        ) -> Bool {
            var event = epoll_event()
            event.data.u64 = token
            if interest.contains(.read) { event.events |= EPOLLIN.rawValue }
            if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
            return epoll_ctl(descriptor, operation, socket, &event) == 0
        }
    }
#elseif canImport(Darwin)
    /// A set of watched descriptors. It owns its own descriptor, not those in it.
    final class Poller {
        private let descriptor: CInt
        private var events: [kevent]

        /// Creates an empty set that reports up to `batch` events at a time.
        init(batch: Int = 256) throws(HTTPServerError) {
            descriptor = kqueue()
            guard descriptor >= 0 else { throw HTTPServerError(system: "kqueue") }
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            events = Array(repeating: kevent(), count: batch)
        }

        deinit { _ = Darwin.close(descriptor) }

        /// Watches `socket`; false if the system has no memory for it.
        func add(_ socket: CInt, token: UInt64, interest: PollInterest) -> Bool {
            apply(socket, token, from: [], to: interest)
        }

        /// Replaces what `socket` is watched for; `token` is the one it was added with.
        ///
        /// With no interest a broken connection is not reported before the next change.
        func change(
            _ socket: CInt, token: UInt64, from old: PollInterest, to interest: PollInterest
        ) {
            _ = apply(socket, token, from: old, to: interest)
        }

        /// Ends watching `socket`.
        func remove(_ socket: CInt, interest: PollInterest) {
            _ = apply(socket, 0, from: interest, to: [])
        }

        /// Waits until something happens or `timeout` nanoseconds have passed, nil for ever.
        ///
        /// A signal ends it early, with nothing to report.
        func wait(timeout: UInt64?) -> Int {
            let nanoseconds = min(timeout ?? 0, 3_600_000_000_000)
            var time = timespec(
                tv_sec: Int(nanoseconds / 1_000_000_000),
                tv_nsec: Int(nanoseconds % 1_000_000_000))
            let limit = CInt(events.count)
            let count =
                timeout == nil
                ? kevent(descriptor, nil, 0, &events, limit, nil)
                : kevent(descriptor, nil, 0, &events, limit, &time)
            precondition(count >= 0 || errno == EINTR, "kevent fails on bad arguments only")
            return max(0, Int(count))
        }

        /// The event at `index`, below what `wait` returned.
        func event(at index: Int) -> PollEvent {
            let event = events[index]
            let isEnd = event.flags & UInt16(EV_EOF) != 0
            let isWrite = event.filter == Int16(EVFILT_WRITE)
            // The end of reading is a peer that is done sending; only the end of writing, or
            // an error, means that no answer can reach it.
            return PollEvent(
                token: UInt64(UInt(bitPattern: event.udata)), isReadable: !isWrite,
                isWritable: isWrite,
                isBroken: isEnd && (isWrite || event.fflags != 0))
        }

        private func apply(
            _ socket: CInt, _ token: UInt64, from old: PollInterest, to new: PollInterest
        ) -> Bool {
            let filters: [(PollInterest, Int32)] = [(.read, EVFILT_READ), (.write, EVFILT_WRITE)]
            var changes: [kevent] = []
            for (interest, filter) in filters where old.contains(interest) != new.contains(interest)
            {
                changes.append(
                    kevent(
                        ident: UInt(socket), filter: Int16(filter),
                        flags: UInt16(new.contains(interest) ? EV_ADD : EV_DELETE), fflags: 0,
                        data: 0, udata: UnsafeMutableRawPointer(bitPattern: UInt(token))))
            }
            guard !changes.isEmpty else { return true }
            return kevent(descriptor, changes, CInt(changes.count), nil, 0, nil) == 0
        }
    }
#endif
