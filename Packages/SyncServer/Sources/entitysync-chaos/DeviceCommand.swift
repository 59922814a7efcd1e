// SPDX-License-Identifier: MIT

import Foundation
import SyncClient
import SyncProtocol

/// The hidden subcommand `device`: does what lines on standard input say, and tells what happens on
/// standard output. Ends with its standard input.
///
///     work SEED MODE     edit and sync until told to rest; MODE is `sync` or `start`
///     rest               answers `rested`
///     sync               answers `synced PULLED PUSHED CONFLICTS PENDING` or `failed WHY`
///     dump FILE          answers `dumped`, or `failed WHY`
///     log FILE           writes the server's whole log; answers likewise
///
/// While it works, `+` says that a sync has begun, `-` that it has ended, `! WHY` that it failed.
struct DeviceCommand {
    private let settings: DeviceSettings
    private let device: ChaosDevice

    static func run(_ words: [String]) async -> Int32 {
        do {
            let settings = try DeviceSettings(words)
            let command = DeviceCommand(settings: settings, device: try ChaosDevice(settings))
            say("ready")
            await command.obey()
            return 0
        } catch {
            FileHandle.standardError.write(Data("\(error)\n".utf8))
            return 1
        }
    }

    private func obey() async {
        var work: Task<Void, Never>?
        for await line in Self.lines() {
            let words = line.split(separator: " ").map(String.init)
            switch words.first {
            case "work" where words.count == 3:
                let device = device
                work = Task {
                    await DeviceWork(
                        device, name: settings.name, seed: UInt64(words[1]) ?? 0,
                        isStarted: words[2] == "start"
                    ).run()
                }
            case "rest":
                work?.cancel()
                await work?.value
                work = nil
                Self.say("rested")
            case "sync": await answer { try await sync() }
            case "dump":
                await answer {
                    try DumpFile.write(try await device.dump(), to: words[1])
                    return "dumped"
                }
            case "log":
                await answer {
                    try DumpFile.write(try await log(), to: words[1])
                    return "dumped"
                }
            default: Self.say("failed no such command: \(line)")
            }
        }
        work?.cancel()
    }

    private func answer(_ body: () async throws -> String) async {
        do {
            Self.say(try await body())
        } catch {
            // What the disk has made read-only is opened again next time.
            if isAboutDisk(error) { await device.reopen() }
            Self.say("failed \(oneLine(error))")
        }
    }

    private func sync() async throws -> String {
        let (_, engine) = try await device.open()
        Self.say("+")
        do {
            let counts = try await device.sync().counts
            Self.say("-")
            if let pair = try await device.tornPair() { Self.say("torn \(pair)") }
            let pending = try await engine.pendingCount()
            return "synced \(counts.pulled) \(counts.pushed) \(counts.conflicts) \(pending)"
        } catch {
            Self.say("! \(oneLine(error))")
            throw error
        }
    }

    /// Everything that is in the server's log.
    private func log() async throws -> LogDump {
        let transport = ChaosDevice.transport(settings.port)
        var operations: [LoggedOperation] = []
        var cursor = Cursor.start
        while true {
            let page = try await transport.pull(
                PullRequest(
                    databaseID: DeviceSettings.database, sinceCursor: cursor, limit: 10_000))
            for operation in page.operations {
                operations.append(
                    LoggedOperation(
                        cursor: operation.cursor?.rawValue ?? 0,
                        device: operation.deviceID.rawValue,
                        operation: operation.operationID.rawValue,
                        transaction: operation.transactionID?.rawValue,
                        key: "\(operation.collection)/\(operation.entityID)",
                        entity: try operation.entityCBOR.map(dumped)))
            }
            guard page.hasMore, page.nextCursor > cursor else { break }
            cursor = page.nextCursor
        }
        return LogDump(operations: operations)
    }

    static func say(_ line: String) { Platform.writeAll(Array((line + "\n").utf8), to: 1) }

    /// Standard input, line by line, read by a thread of its own.
    private static func lines() -> AsyncStream<String> {
        let (stream, continuation) = AsyncStream.makeStream(of: String.self)
        Thread.detachNewThread {
            while let line = readLine() { continuation.yield(line) }
            continuation.finish()
        }
        return stream
    }
}

/// Whether the store or the engine has to be opened again.
func isAboutDisk(_ error: any Error) -> Bool {
    if error is StoreError { return true }
    return (error as? SyncError)?.code == .storage
}

/// An error as the rest of a line.
func oneLine(_ error: any Error) -> String {
    "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
}
