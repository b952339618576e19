// bench-documents FILE RUNS [recorded]: one line of JSON with what the trace costs, CPU milliseconds; started by bench.py.
let arguments = Array(CommandLine.arguments.dropFirst())
let trace = Trace(file: arguments[0])
let runs = Int(arguments[1])!
let isRecorded = arguments.count > 2
let measures =
    trace.writers > 1
    ? Concurrent.run(trace, runs: runs, isRecorded: isRecorded) : Sequential.run(trace, runs: runs, isRecorded: isRecorded)
print("{" + measures.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}")
