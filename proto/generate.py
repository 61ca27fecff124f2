#!/usr/bin/python3
"""Make C from the descriptor set of all .proto files.

Usage: generate.py <descriptor set> <output folder>

methods.gen.h     what is declared of every method: the authorization table in
                  daemon/service adds who may call it
descriptors.gen.c the serialized file descriptors, and which file declares
                  which symbol, for reflection (proto/descriptors.h)
"""
import pathlib
import re
import sys

from google.protobuf import descriptor_pb2


def c_name(full):
    """vouch.v1.WhoAmIRequest -> vouch__v1__who_am_irequest, as protoc-c."""
    *packages, name = full.split(".")
    out = ""
    for i, ch in enumerate(name):
        if ch.isupper() and i > 0 and not name[i - 1].isupper():
            out += "_"
        out += ch.lower()
    return "__".join([p.lower() for p in packages] + [out])


def token(*parts):
    return re.sub(r"[^A-Za-z0-9]", "_", "_".join(parts))


def methods_header(files):
    lines = ["/* Made from the .proto files by proto/generate.py. */",
             "#ifndef METHODS_GEN_H", "#define METHODS_GEN_H", ""]
    names, headers = [], set()
    facts = []
    for file in files:
        for service in file.service:
            for method in service.method:
                name = token(file.package, service.name, method.name)
                names.append(name)
                request = method.input_type.lstrip(".")
                headers.add(file.name.replace(".proto", ".pb-c.h"))
                facts.append(
                    f"#define FACTS_{name} \\\n"
                    f"    .path = \"/{file.package}.{service.name}/{method.name}\", \\\n"
                    f"    .client_streaming = {int(method.client_streaming)}, \\\n"
                    f"    .server_streaming = {int(method.server_streaming)}, \\\n"
                    f"    .refuse_unknown = {int(file.package.startswith('vouch.'))}, \\\n"
                    f"    .request = &{c_name(request)}__descriptor\n")
    lines += [f"#include \"{h}\"" for h in sorted(headers)] + [""]
    lines += facts
    lines += ["/* Every method there is. */",
              "#define METHODS(X) \\\n" +
              " \\\n".join(f"    X({n})" for n in sorted(names)), "",
              "#endif", ""]
    return "\n".join(lines)


def symbols(file):
    def walk(prefix, message):
        name = f"{prefix}.{message.name}"
        yield name
        for field in message.field:
            yield f"{name}.{field.name}"
        for enum in message.enum_type:
            yield f"{name}.{enum.name}"
            for value in enum.value:
                yield f"{name}.{value.name}"
        for nested in message.nested_type:
            yield from walk(name, nested)

    for message in file.message_type:
        yield from walk(file.package, message)
    for enum in file.enum_type:
        yield f"{file.package}.{enum.name}"
        for value in enum.value:
            yield f"{file.package}.{value.name}"
    for service in file.service:
        name = f"{file.package}.{service.name}"
        yield name
        for method in service.method:
            yield f"{name}.{method.name}"


def descriptors_source(files):
    index = {file.name: i for i, file in enumerate(files)}
    out = ["/* Made from the .proto files by proto/generate.py. */",
           "#include \"proto/descriptors.h\"", ""]
    table, services, names = [], [], []
    for i, file in enumerate(files):
        data = file.SerializeToString()
        body = ",\n    ".join(
            ", ".join(str(b) for b in data[at:at + 24])
            for at in range(0, len(data), 24))
        out.append(f"static const unsigned char file_{i}[] = {{\n    {body}\n}};\n")
        imports = [index[d] for d in file.dependency] + [-1]
        out.append(f"static const int imports_{i}[] = {{{', '.join(map(str, imports))}}};\n")
        table.append(f"    {{\"{file.name}\", {{file_{i}, sizeof(file_{i})}}, imports_{i}}},")
        services += [f"{file.package}.{s.name}" for s in file.service]
        names += [(s, i) for s in symbols(file)]
    out.append("const struct descriptor_file descriptor_files[] = {\n" +
               "\n".join(table) + "\n};\n")
    out.append(f"const size_t descriptor_file_count = {len(files)};\n")
    out.append("const struct descriptor_symbol descriptor_symbols[] = {\n" +
               "\n".join(f"    {{\"{n}\", {i}}}," for n, i in sorted(names)) + "\n};\n")
    out.append(f"const size_t descriptor_symbol_count = {len(names)};\n")
    out.append("const char *const descriptor_services[] = {\n" +
               "\n".join(f"    \"{s}\"," for s in sorted(services)) + "\n};\n")
    out.append(f"const size_t descriptor_service_count = {len(services)};\n")
    return "\n".join(out)


def main(source, target):
    files = descriptor_pb2.FileDescriptorSet.FromString(
        pathlib.Path(source).read_bytes()).file
    target = pathlib.Path(target)
    (target / "methods.gen.h").write_text(methods_header(files))
    (target / "descriptors.gen.c").write_text(descriptors_source(files))


if __name__ == "__main__":
    main(*sys.argv[1:])
