// SPDX-License-Identifier: MIT

import CBOR
import SyncConformance

extension Command {
    /// `entitysync conformance device`: this project's client, as something to be judged.
    static let conformanceDevice: Command = Command(
        name: "conformance device", operands: [],
        summary: "Is the adapter of EntitySync's own client, for `conformance client`.",
        discussion: """
            It answers each line of standard input with a line of standard output, as
            doc/conformance-adapters.md says, until its input ends.

              $ entitysync conformance client -- entitysync conformance device
            """,
        flags: [],
        run: { _ in
            var output = StandardOutput()
            let device = DeviceAdapter()
            var lines = AdapterLines()
            while let request = try lines.next() {
                let members = [("n", "\(request.unsigned("n") ?? 0)")]
                let answer = members + (await device.answer(to: request))
                output.write(JSONText.object(answer) + "\n")
                output.flush()
            }
            return 0
        })
}
