// A page of its own, with a box for every buffer.
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --plan=html -o %t.html
// RUN: nanochat-opt %models/copy-tiny.mlir --target=native --plan=json -o %t.json
// RUN: %python -c "import json, re, xml.dom.minidom; page = open('%t.html').read(); plan = json.load(open('%t.json')); boxes = page.count('<rect') - len(plan['memory']); assert boxes == len(plan['workspace']), boxes; [xml.dom.minidom.parseString(svg) for svg in re.findall('<svg.*?</svg>', page, re.S)]; assert 'http' not in page and 'src=' not in page"
