import { Component, type ReactNode } from 'react'

interface Props {
  children: ReactNode
  /** Another place is another try. */
  place: string
  /** What is shown in place of a page that has a fault. */
  instead: ReactNode
}

/** A fault in a screen must not leave a blank page: the phone lives apart from the screens and goes on. */
export class Boundary extends Component<Props, { failed: boolean }> {
  override state = { failed: false }

  static getDerivedStateFromError() {
    return { failed: true }
  }

  override componentDidUpdate(before: Props) {
    if (this.state.failed && before.place !== this.props.place) this.setState({ failed: false })
  }

  override render() {
    return this.state.failed ? this.props.instead : this.props.children
  }
}
