// SPDX-License-Identifier: MIT

import SyncServer

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

exit(
    ServerCommand.run(
        Array(CommandLine.arguments.dropFirst()), environment: ServerCommand.environment))
