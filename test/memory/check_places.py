"""check_places.py COMPILER MODEL OPTIONS...: holds the memory plan against the program it is of.

Every kernel call of stage `fuse`, and every exchange, makes values whose bytes are all different; the same calls of stage `plan` write these bytes to
the slots of arenas. What a call reads there, and what an exchange has sent and brought once it is over, must be the bytes of the values that `fuse` gives it: nothing was written over too early, moved or left out."""
import re
import subprocess
import sys
from array import array

SIZES = {"f64": 8, "i64": 8, "f32": 4, "i32": 4, "bf16": 2, "i16": 2, "i8": 1, "f8E4M3FN": 1}
MARGIN = 4096  # bytes around an arena, so that what runs over is seen and not lost
VALUE = r"%\w+(?:#\d+)?"
BOUND = r"(tensor<[^>]*>) \{nanochat\.bind = #nanochat\.bind<(\w+), \"([^\"]*)\""


def byte_count(type_):
    *dimensions, element = re.match(r"(?:tensor|memref)<(.*?)(?:, .*)?>$", type_.strip()).group(1).split("x")
    count = SIZES[element]
    for dimension in dimensions:
        count *= int(dimension)
    return count


class Fresh:
    """Values of bytes that no other has."""
    made = 0

    @classmethod
    def of(cls, type_):
        cls.made += 1
        return array("q", range(cls.made << 34, (cls.made << 34) + byte_count(type_)))


def functions(text):
    """Lines of every function by name."""
    found, lines = {}, None
    for line in text.splitlines():
        if match := re.match(r"  func\.func @([\w.\-]+)\(", line):
            lines = found.setdefault(match.group(1), [])
        if lines is not None:
            lines.append(line)
            if line == "  }":
                lines = None
    return found


def tree(lines):
    """Ops as pairs of text and body, None where there is none."""
    stack = [[]]
    for line in map(str.strip, lines):
        if line.startswith("}"):
            stack.pop()
        elif line.endswith("{"):
            stack[-1].append((line, []))
            stack.append(stack[-1][-1][1])
        elif line:
            stack[-1].append((line, None))
    return stack[0]


def bind(env, result, values):
    if len(values) == 1:
        env[result] = values[0]
    for number, value in enumerate(values):
        env[f"{result}#{number}"] = value


def loop_of(text, body, env, result, limit):
    """The calls of a loop's iterations."""
    count = int(re.search(r'"[^"]*" = (\d+)', text).group(1))
    pairs = lambda keyword: [re.findall(rf"(%\w+) = ({VALUE})", match) for match in re.findall(keyword + r"\(([^)]*)\)", text)]
    carries, slices = sum(pairs("carry"), []), sum(pairs("slice"), [])
    carried, stacks = [env[value] for _, value in carries], []
    for turn in range(min(count, limit) if "limit(" in text else count):
        index = count - 1 - turn if " reverse" in text else turn
        env.update(zip((arg for arg, _ in carries), carried))
        for arg, value in slices:
            size = len(env[value]) // count
            env[arg] = env[value][index * size:(index + 1) * size]
            ahead = (index + (-1 if " reverse" in text else 1)) % count
            env[arg + " ahead"] = env[value][ahead * size:(ahead + 1) * size]
        yield from calls_of(body[:-1], env, limit)
        parts = re.split(r"\bstack\b", body[-1][0])
        carried = [env[value] for value in re.findall(VALUE, parts[0])]
        elements = [env[value] for value in re.findall(VALUE, parts[1])] if len(parts) > 1 else []
        stacks = stacks or [[None] * count for _ in elements]
        for stack, element in zip(stacks, elements):
            stack[index] = element
    bind(env, result, carried + [sum(stack, array("q")) for stack in stacks])


def calls_of(ops, env, limit):
    """Of stage `fuse`: text, names and values of what a call reads, values that it makes."""
    for text, body in ops:
        result, _, op, rest = re.match(r"(?:(%\w+)(?::(\d+))? = )?([\w.]+)(.*)", text).groups()
        if op == "nanochat.dispatch":
            read = re.search(r"ins\((.*?)\)(?: inplace| ->| \{|$)", text)
            names = re.findall(VALUE, read.group(1)) if read else []
            made = [Fresh.of(type_) for type_ in re.findall(r"tensor<[^>]*>", text[text.index("-> (") + 3:])]
            yield text, [(name, env[name]) for name in names], made
            bind(env, result, made)
        elif op == "nanochat.exchange_start":
            name, ahead = re.search(rf"({VALUE})( ahead)?", rest).groups(default="")
            made = [Fresh.of(type_) for type_ in re.findall(r"tensor<[^>]*>", rest)[-1:]]
            yield text, [(name, env[name + ahead])], made
            bind(env, result, made)
            env[result + " from"] = env[name + ahead]
        elif op == "nanochat.exchange_done":
            came, name = re.findall(VALUE, rest)
            yield text, [(name, env[came + " from"]), (came, env[came])], []
            env[result] = env[came]
        elif op == "nanochat.loop":
            yield from loop_of(text, body, env, result, limit)
        elif op in ("tensor.collapse_shape", "tensor.expand_shape"):
            env[result] = env[re.findall(VALUE, rest)[0]]
        elif op == "return":
            yield text, [(name, env[name]) for name in re.findall(VALUE, rest)], None
        elif op == "arith.constant":
            env[result] = None
        else:
            sys.exit(f"unknown op: {text}")


def launches_of(ops, env, limit):
    """Of stage `plan`: slots that a call is given, as arena, offset and bytes."""
    scalar = {"arith.subi": lambda x, y: x - y, "arith.remui": lambda x, y: x % y, "arith.minui": min, "arith.cmpi": lambda x, y: x == y,
              "arith.index_castui": lambda x: x, "arith.select": lambda c, x, y: x if c else y}
    for text, body in ops:
        result, op, rest = re.match(r"(?:(%\w+) = )?([\w.]+)(.*)", text).groups()
        operands = re.findall(r"%\w+", rest)
        if op == "nanochat.slot":
            arena, offset, indices, strides, type_ = re.match(r" (\w+) at (-?\d+)\[(.*?)\] \* \[(.*?)\] : (.*)", rest).groups()
            terms = zip(re.findall(r"%\w+", indices), map(int, re.findall(r"-?\d+", strides)))
            env[result] = arena, int(offset) + sum(env[index] * stride for index, stride in terms), byte_count(type_)
        elif op == "nanochat.launch":
            yield [env[slot] for slot in re.findall(r"%\w+", rest.split(") :")[0])]
        elif op == "nanochat.start":
            env["lane", re.search(r"lane (\d+)", rest).group(1)] = [env[slot] for slot in operands]
            yield [env[slot] for slot in operands]
        elif op == "nanochat.finish":
            yield env["lane", re.search(r"lane (\d+)", rest).group(1)]
        elif op == "arith.constant":
            env[result] = int(re.match(r" (-?\d+)", rest).group(1))
        elif op == "memref.load":
            env[result] = limit
        elif op in scalar:
            env[result] = scalar[op](*(env[operand] for operand in operands))
        elif op == "scf.for":
            for env[operands[0]] in range(*(env[operand] for operand in operands[1:4])):
                yield from launches_of(body, env, limit)
        elif op == "return":
            yield []
        else:
            sys.exit(f"unknown op: {text}")


def check(fused, planned, tensors, arenas, limit):
    """Errors of one entry, where loops with a limit run `limit` times."""
    memory = {arena: array("q", [-1]) * (size + 2 * MARGIN) for arena, size in arenas.items()}
    place = lambda arena, offset, size: slice(MARGIN + offset, MARGIN + offset + size)
    head, errors, env = fused[0], [], {}
    arguments, _, results = head.partition(") -> ")
    for name, type_, kind, tensor in re.findall(rf"(%\w+): {BOUND}", arguments):
        env[name] = Fresh.of(type_)
        arena, offset = tensors[kind, tensor, type_]
        memory[arena][place(arena, offset, len(env[name]))] = env[name]
    for (text, read, made), slots in zip(calls_of(tree(fused[1:-1]), env, limit), launches_of(tree(planned[1:-1]), {}, limit)):
        if made is None:  # the return: results are in the tensors that they are bound to
            slots = [(*tensors[kind, tensor, type_], byte_count(type_)) for type_, kind, tensor in re.findall(BOUND, results)]
        for (name, value), (arena, offset, size) in zip(read, slots):
            if value is not None and memory[arena][place(arena, offset, size)] != value:
                errors.append(f"{name} is not at {arena} {offset}: {text[:160]}")
        for value, (arena, offset, size) in zip(made or [], slots[len(read):]):
            if offset < 0 or offset + size > arenas[arena]:
                errors.append(f"{arena} {offset} is outside: {text[:160]}")
            memory[arena][place(arena, offset, size)] = value
    return errors


compiler, model, *options = sys.argv[1:]
stages = [subprocess.run([compiler, model, *options, f"--stop-after={stage}"], capture_output=True, text=True, check=True).stdout
          for stage in ("fuse", "plan")]
fuse, plan = map(functions, stages)
sizes = map(int, re.search(r"arenas = array<i64: ([\d, ]*)>", stages[1]).group(1).split(","))
arenas = dict(zip(["param", "state", "gradient", "workspace", "io", "comm"], sizes))
tensors = {(kind, name, type_): (arena, int(offset)) for kind, name, arena, offset, type_ in re.findall(
    r'nanochat\.tensor <(\w+), "([^"]*)".*?> in (\w+) at (\d+) : (tensor<[^>]*>)', stages[1])}
entries = [name for name in plan if name in fuse and "nanochat.entry" in plan[name][0]]
errors = [f"@{name}: {error}" for name in entries for limit in ((0, 1, 2) if "limit(" in stages[0] else (1,))
          for error in check(fuse[name], plan[name], tensors, arenas, limit)]
print(*errors[:10], sep="\n")
sys.exit(bool(errors) or not entries)
