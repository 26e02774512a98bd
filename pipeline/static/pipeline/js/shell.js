// What unfold's templates expect of Alpine, for the build that cannot evaluate code (see docs/decisions).
// Its expressions see only components, so the globals that unfold's attributes name become parts of the shell.
document.addEventListener("alpine:init", () => {
  const stored = (key) => window.localStorage.getItem(key);

  window.Alpine.data("theme", (preset) => window.theme(preset));
  window.Alpine.data("searchForm", () => window.searchForm());
  window.Alpine.data("searchDropdown", () => window.searchDropdown());
  window.Alpine.data("searchCommand", () => ({
    ...window.searchCommand(),
    openSelected(event, remember) {
      if (!event.metaKey && !event.ctrlKey && this.currentIndex > 0) {
        this.selectItem(remember, false);
      }
    },
  }));

  window.Alpine.data("shell", (firstTab) => ({
    activeTab: firstTab,
    sidebarMobileOpen: false,
    sidebarDesktopOpen: stored("sidebarDesktopOpen") !== "0",
    window: {
      location: { pathname: window.location.pathname, search: window.location.search },
    },
    init() {
      if (firstTab && typeof window.getCurrentTab === "function") {
        this.activeTab = window.getCurrentTab() || firstTab;
      }
      this.$watch("sidebarDesktopOpen", (open) => {
        window.localStorage.setItem("sidebarDesktopOpen", open ? "1" : "0");
      });
    },
    toggleSidebar() {
      this.sidebarDesktopOpen = !this.sidebarDesktopOpen;
    },
  }));
});

// Each of unfold's scroll areas calls itself "scrollable content"; two landmarks of one name help nobody.
window.addEventListener("load", () => {
  const pages = document.querySelector("#nav-sidebar-apps .simplebar-content-wrapper");
  pages?.setAttribute("aria-label", "Pages of the control plane");
});
