// The contrast of each visible text with what lies behind it (WCAG 2.2, "contrast ratio"), by text.
() => {
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const luminance = (color) => {
    const linear = channels(color).slice(0, 3).map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  };
  const isSolid = (color) => (channels(color)[3] ?? 1) === 1;
  const backdrop = (element) => {
    const color = getComputedStyle(element).backgroundColor;
    return isSolid(color) || !element.parentElement ? color : backdrop(element.parentElement);
  };
  const ratios = {};
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [text, element] = [walker.currentNode.data.trim(), walker.currentNode.parentElement];
    if (!text || !element.checkVisibility() || element.matches("script, noscript")) continue;
    const lights = [luminance(getComputedStyle(element).color), luminance(backdrop(element))];
    ratios[text] = (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
  }
  return ratios;
}
