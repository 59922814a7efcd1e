// SPDX-License-Identifier: MIT

import Simulation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

exit(await SimulatorCommand.run(Array(CommandLine.arguments.dropFirst())))
