// SPDX-License-Identifier: MIT

import HTTPWire

/// What answers the requests of an `HTTPServer`.
///
/// Every method is called on the thread that runs the server, one at a time. One turn of the
/// server is: read the sockets that are ready and `receive` what they hold, `endOfBatch`, write
/// the answers, `advance`. So whatever was answered in a turn leaves after its `endOfBatch`.
protocol HTTPHandler: AnyObject {
    /// Takes a whole request, which is answered now or later through `exchange`.
    func receive(_ exchange: Exchange)

    /// Ends the batch: every socket that was ready has been read. The place of the group commit.
    ///
    /// Answers given before it returns leave only after it returned; it may give answers itself.
    func endOfBatch()

    /// Fires what is due at `now`, in monotonic nanoseconds, and returns the next deadline.
    ///
    /// Answers given here leave after the next `endOfBatch`, which follows at once.
    func advance(to now: UInt64) -> UInt64?

    /// The answer to a request that was refused before it became one.
    func rejection(_ rejection: HTTPRejection) -> HTTPResponse

    /// Stopping begins: answers all that waits for something, now.
    ///
    /// Requests that were on their way may still come; from now on none may be kept waiting.
    func beginStop()

    /// Stopping ends: nothing more will come. Called once, after the last exchange was answered
    /// or given up.
    func drained()
}
