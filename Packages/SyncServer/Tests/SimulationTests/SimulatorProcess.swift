// SPDX-License-Identifier: MIT

import Foundation

/// The simulator's executable, run to its end.
enum SimulatorProcess {
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// What it prints, if it ends with status 0.
    static func output(of words: [String]) throws -> String {
        let process = Process()
        let pipe = Pipe()
        process.executableURL = try url()
        process.arguments = words
        process.standardOutput = pipe
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let text = String(decoding: bytes, as: UTF8.self)
        guard process.terminationStatus == 0 else {
            throw Failure(description: "status \(process.terminationStatus): \(text)")
        }
        return text
    }

    /// It is built into the same folder as the tests.
    private static func url() throws -> URL {
        for bundle in Bundle.allBundles + [Bundle.main] {
            var folder = bundle.bundleURL
            for _ in 0..<4 {
                let candidate = folder.appendingPathComponent("entitysync-simulator")
                if FileManager.default.isExecutableFile(atPath: candidate.path) {
                    return candidate
                }
                folder.deleteLastPathComponent()
            }
        }
        throw Failure(description: "entitysync-simulator is not beside the tests; build it first.")
    }
}
