// SPDX-License-Identifier: MIT

import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A server and some devices with their files, and the proxy between them. Used by one thread.
final class World {
    /// A device's process, and what is known of it.
    struct Member {
        var name: String
        var process: ChildProcess?
        /// The command that it works by, given again to a process that takes its place.
        var work: String?
        /// How many syncs it has begun; nil while none is under way.
        var cycle: Int?
        var cycleCount = 0
        /// Answers to commands that nobody has read yet.
        var answers: [String] = []
        /// What it takes as its own way of settling conflicts.
        var resolver: String
    }

    let directory: String
    let proxy: Proxy
    private let checkpointBytes: Int
    let serverVolume: Volume
    /// The first device's; the others use plain directories.
    let clientVolume: Volume
    var members: [Member]
    var server: ChildProcess?
    /// Whether the server's port is known.
    var isServerUp = false
    /// What ended by itself.
    var deaths: [Finding] = []
    var torn: [Finding] = []
    var refusedCount = 0
    var failedCycleCount = 0
    var lastServerLines: [String] = []

    private static let resolvers = ["server", "client", "merge", "last"]

    init(directory: String, deviceCount: Int, checkpointBytes: Int) throws {
        self.directory = directory
        self.checkpointBytes = checkpointBytes
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        proxy = try Proxy(deviceCount: deviceCount)
        serverVolume = try Volume(directory + "/server", isLimited: true)
        clientVolume = try Volume(directory + "/d0", isLimited: true)
        members = (0..<deviceCount).map {
            Member(name: "d\($0)", resolver: Self.resolvers[$0 % Self.resolvers.count])
        }
    }

    // MARK: Starting

    func startServer() throws {
        guard server == nil, let path = ChaosProgram.serverPath else { return }
        isServerUp = false
        server = try ChildProcess(
            "server", path,
            [
                "serve", "--data", directory + "/server/data", "--port", "0",
                "--max-segment-bytes", "65536", "--max-pull-ops", "60", "--header-timeout", "2",
                "--body-timeout", "3", "--idle-timeout", "4", "--shutdown-grace", "2s",
            ])
    }

    /// Starts a server in the place of one that was asked to end, as soon as that has.
    func restartServerThatEnds() throws {
        let deadline = Platform.seconds + Quiescence.patienceSeconds
        while server != nil, isServerEnding, Platform.seconds < deadline { wait(milliseconds: 50) }
        isServerEnding = false
        if let server {
            deaths.append(
                Finding(rule: .liveness, message: "the server does not end: \(server.lastWords)"))
            server.kill()
            noteEnd(of: server)
        }
        try startServer()
    }

    func startDevice(_ index: Int) throws {
        guard members[index].process == nil else { return }
        let name = members[index].name
        members[index].process = try startDevice(
            name, data: index == 0 ? clientVolume.path + "/data" : path(name),
            port: proxy.ports[index], resolver: members[index].resolver)
        members[index].cycle = nil
        members[index].answers = []
        if let work = members[index].work { members[index].process?.tell(work) }
    }

    func startDevice(
        _ name: String, data: String, port: UInt16, resolver: String
    ) throws -> ChildProcess {
        guard let program = ChaosProgram.path else { throw SystemFailure("own path", ENOENT) }
        return try ChildProcess(
            name, program,
            [
                "device", name, data, path(name + ".ledger"), String(port), resolver,
                String(checkpointBytes),
            ])
    }

    func path(_ name: String) -> String { directory + "/" + name }

    // MARK: News

    /// Waits for news, at most so long, and takes it in.
    func wait(milliseconds: Int) {
        let processes = members.compactMap(\.process) + [server].compactMap { $0 }
        Platform.waitReadable(processes.flatMap(\.descriptors), milliseconds: milliseconds)
        takeNews()
    }

    func takeNews() {
        if let server {
            let lines = server.takeLines().errors
            for line in lines where line.hasPrefix("listening on http://") {
                guard let text = line.split(separator: ":").last, let port = UInt16(text) else {
                    continue
                }
                isServerUp = true
                proxy.redirect(to: port)
            }
            if server.exit != nil { noteEnd(of: server) }
        }
        for index in members.indices {
            guard let process = members[index].process else { continue }
            for line in process.takeLines().output { take(line, from: index) }
            if process.exit != nil { noteEnd(of: process) }
        }
    }

    private func take(_ line: String, from index: Int) {
        let rest = String(line.dropFirst(2))
        switch line.split(separator: " ").first {
        case "+":
            members[index].cycleCount += 1
            members[index].cycle = members[index].cycleCount
        case "-": members[index].cycle = nil
        case "!":
            members[index].cycle = nil
            failedCycleCount += 1
        case "refused": refusedCount += 1
        case "torn":
            torn.append(
                Finding(rule: .transactions, message: "\(members[index].name) saw half: \(rest)"))
        default: members[index].answers.append(line)
        }
    }

    /// Forgets a process that has ended. Unless the run killed it, that is a finding.
    private func noteEnd(of process: ChildProcess) {
        if !process.wasKilled, !isExpected(process) {
            let how =
                switch process.exit {
                case .signal(let number): "by signal \(number)"
                case .status(let status): "with status \(status)"
                case nil: "somehow"
                }
            deaths.append(
                Finding(
                    rule: .death,
                    message: "\(process.name) ended by itself \(how): \(process.lastWords)"))
        }
        if process === server {
            server = nil
            isServerUp = false
        }
        for index in members.indices where members[index].process === process {
            members[index].process = nil
            members[index].cycle = nil
        }
    }

    /// A server that was asked to end.
    var isServerEnding = false

    private func isExpected(_ process: ChildProcess) -> Bool {
        guard process === server else { return false }
        switch process.exit {
        case .status(0): return isServerEnding
        // It was asked to end before it could have listened for that.
        case .signal(SIGTERM): return isServerEnding && !isServerUp
        // It may refuse, in a sentence, to start on a disk that is full.
        case .status(1): return serverVolume.isFull && !isServerUp
        default: return false
        }
    }

    /// Kills a process; that it had ended before is a finding.
    func kill(_ process: ChildProcess) {
        process.kill()
        takeNews()
        if process.exit != nil, isCurrent(process) { noteEnd(of: process) }
    }

    private func isCurrent(_ process: ChildProcess) -> Bool {
        process === server || members.contains { $0.process === process }
    }

    // MARK: End

    /// Kills everything, and takes the files away unless they are to be kept.
    func end(keepsFiles: Bool) {
        for process in members.compactMap(\.process) + [server].compactMap({ $0 }) {
            process.kill()
        }
        members = members.map { member in
            var member = member
            member.process = nil
            return member
        }
        server = nil
        proxy.end()
        if keepsFiles { return }
        serverVolume.end()
        clientVolume.end()
        try? FileManager.default.removeItem(atPath: directory)
    }
}
