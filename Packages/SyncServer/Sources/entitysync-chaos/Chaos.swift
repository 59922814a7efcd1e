// SPDX-License-Identifier: MIT

import Foundation

/// The program: a run of chaos, or, for its own use, one of the devices in it.
@main
struct Chaos {
    static func main() async {
        let words = Array(CommandLine.arguments.dropFirst())
        if words.first == "device" { exit(await DeviceCommand.run(Array(words.dropFirst()))) }
        if words.contains("--help") || words.contains("-h") { return say(ChaosOptions.help) }
        do {
            let options = try ChaosOptions(words)
            guard ChaosProgram.serverPath != nil else {
                complain("entitysync-server is not beside this program; build everything first.")
                exit(64)
            }
            Volume.enterNameSpace()
            Interruption.listen()
            var driver = Driver(options)
            let report = driver.run()
            say(options.isJSON ? report.json : report.text)
            exit(report.exitStatus)
        } catch {
            complain("\(error.message)\nTry: entitysync-chaos --help")
            exit(64)
        }
    }

    private static func say(_ text: String) { Platform.writeAll(Array(text.utf8), to: 1) }

    private static func complain(_ text: String) {
        Platform.writeAll(Array("entitysync-chaos: \(text)\n".utf8), to: 2)
    }
}
