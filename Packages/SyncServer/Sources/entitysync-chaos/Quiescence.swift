// SPDX-License-Identifier: MIT

import Foundation

/// The end of a round: brings everybody up, lets them sync until they are quiet, and gathers what
/// they hold.
struct Quiescence {
    let world: World

    /// How many times all devices sync before that counts as never being quiet: each conflict
    /// takes a device one more, and each device's edits meet those of every other.
    static func passesMax(deviceCount: Int) -> Int { 8 + 4 * deviceCount }

    /// How long one answer may take. A hang lasts for ever, and a disk that writes back what a
    /// build has left behind lets a sync wait for half a minute, so this is minutes.
    static let patienceSeconds = 300.0

    /// Something that did not come in time, or came as a failure.
    struct Failure: Error {
        var finding: Finding
        /// Whether the device did answer: that it could not.
        var isAnswer = false
    }

    /// Brings everything up, and ends all work.
    func settle() throws {
        world.isServerEnding = false
        try world.startServer()
        for index in world.members.indices {
            world.members[index].work = nil
            try world.startDevice(index)
            world.members[index].process?.tell("rest")
        }
        try wait("the server does not come up") { world.isServerUp }
        for index in world.members.indices { _ = try answer(of: index, "rested") }
    }

    /// Syncs all devices, at the same time, until a pass in which nothing happens.
    ///
    /// - Returns: How many passes it took.
    func sync() throws -> Int {
        let limit = Self.passesMax(deviceCount: world.members.count)
        var last: [String] = []
        for pass in 1...limit {
            for member in world.members { member.process?.tell("sync") }
            last = try world.members.indices.map { try answer(of: $0, nil) }
            if last.allSatisfy({ $0 == "synced 0 0 0 0" }) { return pass }
        }
        throw Failure(
            finding: Finding(
                rule: .liveness, message: "not quiet after \(limit) syncs of all: \(last)"))
    }

    /// What everybody holds now: the devices, a fresh one, and the server.
    func gather(earlierLog: LogDump, number: Int) throws -> Evidence {
        var dumps: [DeviceDump] = []
        for index in world.members.indices {
            let file = world.path("dump")
            world.members[index].process?.tell("dump \(file)")
            _ = try answer(of: index, "dumped")
            dumps.append(try DumpFile.read(DeviceDump.self, from: file))
        }
        let name = "fresh\(number)"
        world.members.append(World.Member(name: name, resolver: "server"))
        let fresh = world.members.count - 1
        defer { dismiss(fresh) }
        world.members[fresh].process = try world.startDevice(
            name, data: world.path(name), port: world.proxy.ports[0], resolver: "server")
        _ = try answer(of: fresh, "ready")
        for (command, expected) in [
            ("sync", "synced "), ("dump \(world.path("dump"))", "dumped"),
            ("log \(world.path("log"))", "dumped"),
        ] {
            try ask(fresh, command, expecting: expected)
        }
        dumps.append(try DumpFile.read(DeviceDump.self, from: world.path("dump")))
        var ledgers: [String: [LedgerTransaction]] = [:]
        for member in world.members.dropLast() {
            ledgers[member.name] = try Ledger.read(world.path(member.name + ".ledger"))
        }
        return Evidence(
            devices: dumps, log: try DumpFile.read(LogDump.self, from: world.path("log")),
            earlierLog: earlierLog, ledgers: ledgers)
    }

    /// Gives a command until it works, a few times: on a busy machine an answer of the server may
    /// take longer than a device waits.
    private func ask(_ index: Int, _ command: String, expecting expected: String) throws {
        for attempt in 1...5 {
            world.members[index].process?.tell(command)
            do {
                _ = try answer(of: index, expected)
                return
            } catch let failure as Failure where failure.isAnswer && attempt < 5 {
                continue
            }
        }
    }

    private func dismiss(_ index: Int) {
        if let process = world.members[index].process { world.kill(process) }
        let name = world.members.remove(at: index).name
        for path in [name, name + ".ledger", "dump", "log"] {
            try? FileManager.default.removeItem(atPath: world.path(path))
        }
    }

    /// Waits for a device's answer.
    ///
    /// - Parameter beginning: How it has to begin; others are passed over. `nil` takes the next
    ///   answer to a sync.
    private func answer(of index: Int, _ beginning: String?) throws -> String {
        let name = world.members[index].name
        var result: String?
        let process = world.members[index].process
        try wait("\(name) gives no answer (\(beginning ?? "sync"))", of: process) {
            while let line = world.members[index].answers.first {
                world.members[index].answers.removeFirst()
                let isAnswer =
                    beginning.map { line.hasPrefix($0) }
                    ?? (line.hasPrefix("synced ") || line.hasPrefix("failed "))
                if isAnswer || line.hasPrefix("failed ") {
                    result = line
                    return true
                }
            }
            return false
        }
        guard let result, beginning == nil || result.hasPrefix(beginning ?? "") else {
            throw Failure(
                finding: Finding(rule: .liveness, message: "\(name) says: \(result ?? "nothing")"),
                isAnswer: true)
        }
        return result
    }

    /// Waits until `isDone`; a process that ends meanwhile is started again and is a finding.
    private func wait(
        _ what: String, of process: ChildProcess? = nil, until isDone: () throws -> Bool
    ) throws {
        let deadline = Platform.seconds + Self.patienceSeconds
        while try !isDone() {
            if Interruption.hasCome { throw Interrupted() }
            if let death = world.deaths.last,
                world.members.contains(where: { $0.process == nil })
                    || world.server == nil
            {
                throw Failure(
                    finding: Finding(
                        rule: .liveness, message: "after everything was healed: \(death.message)"))
            }
            guard Platform.seconds < deadline else {
                let threads = process.map { Platform.threads(of: $0.processID) } ?? ""
                throw Failure(finding: Finding(rule: .liveness, message: what + threads))
            }
            world.wait(milliseconds: 200)
        }
    }
}

/// The run was asked to end.
struct Interrupted: Error {}
