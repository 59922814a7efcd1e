// SPDX-License-Identifier: MIT

import HTTPWire

/// Serves HTTP/1.1, plain or over TLS, on one thread: the one that calls `run()`.
///
/// Safety: `loop` and everything it refers to, the handler included, is touched by the thread
/// in `run()` alone. The other members are immutable and Sendable, and they are all that `stop()`
/// uses; creating the server ends before any thread can be given it.
final class HTTPServer: @unchecked Sendable {
    /// The port it listens on.
    let port: UInt16
    private let wakeup: Wakeup
    private let loop: HTTPLoop

    /// Begins to listen; connections wait until `run()`.
    ///
    /// The handler belongs to the thread of `run()` from now on. Raises the process's soft limit
    /// of descriptors to what the connections need, with room for files, as far as it may.
    ///
    /// - Parameters:
    ///   - certificate: What it shows to peers of TLS, plain HTTP without it. Belongs to the thread
    ///     of `run()` as the handler does.
    ///   - counts: Kept up to date by the thread of `run()`.
    init(
        configuration: HTTPServerConfiguration, certificate: ServerCertificate? = nil,
        handler: any HTTPHandler, counts: SocketCounts = SocketCounts()
    ) throws(HTTPServerError) {
        SocketPlatform.raiseDescriptorLimit(to: configuration.maxConnections + 512)
        let listener = try Listener(host: configuration.host, port: configuration.port)
        wakeup = try Wakeup()
        port = listener.port
        loop = try HTTPLoop(
            configuration: configuration, certificate: certificate, handler: handler,
            listener: listener, wakeup: wakeup, counts: counts)
    }

    /// Serves until `stop()`, and then until what is in process is answered or the grace is
    /// over. Returns after the handler's `drained()`.
    ///
    /// - Precondition: it is called once.
    func run() { loop.run() }

    /// Lets `run()` come to its end. Any thread may call it, before or during `run()`, also twice.
    func stop() { wakeup.signal() }

    /// Makes SIGTERM and SIGINT do what `stop()` does; a second one ends the process.
    ///
    /// Signals belong to the process: the last server that calls it gets them.
    func installStopSignals() { wakeup.installStopSignals() }
}
